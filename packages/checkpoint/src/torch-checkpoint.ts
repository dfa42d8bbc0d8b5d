// A state dict that torch.save wrote: an archive with one pickle, which names storages, each being a member of the archive.
// The archive itself is opened elsewhere (on Node by ./node): this file knows members by name only.

import { type AbortSignal, type Budget, type ByteSource, printable, type SourceTensor } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { NAME_BYTES, PICKLE_BYTES } from "./limits.ts";
import { readPickle } from "./pickle.ts";
import { isKind, kindOf, type PickleDict, type PickleKey, type PickleTensor } from "./pickle-values.ts";
import { elementBytes } from "./source-tensor.ts";
import { stridedTensor } from "./strided-tensor.ts";

/** One member of an archive. */
export interface ArchiveMember {
  /** Full name, such as `archive/data/12`. */
  readonly name: string;
  /** First byte of its data in the archive. */
  readonly dataOffset: number;
  /** Bytes in the archive. */
  readonly byteLength: number;
  /** True if those are not the bytes of the member itself. */
  readonly isCompressed: boolean;
}

/** Opened members are checked against the checksum of the archive by whoever opens them. */
export interface Archive {
  /** Shown in errors. */
  readonly name: string;
  /** Charged for the pickle and what it holds. */
  readonly budget: Budget;
  readonly members: ReadonlyMap<string, ArchiveMember>;
  /** The bytes of a member, read when asked for. */
  open(member: ArchiveMember): ByteSource;
}

/** An archive that checks itself. */
export interface ZipArchive extends Archive {
  /**
   * Reads what of the opened members has not been read from start to end yet.
   * @throws `E_CRC` if the bytes of a member are not those its checksum was made of.
   */
  verify(signal?: AbortSignal): Promise<void>;
}

export interface TorchCheckpoint {
  /** Tensors of the state dict, in its order. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** Names of entries that hold something else than a tensor. */
  readonly otherNames: readonly string[];
}

/** @throws CheckpointError `E_UNSUPPORTED`, `E_DUP`, `E_STORAGE` or what the pickle reader throws. */
export async function openTorchCheckpoint(archive: Archive): Promise<TorchCheckpoint> {
  const pickle = findPickle(archive);
  await assertLittleEndian(archive, pickle);
  const stateDict = withinCheckpoint(await readStateDict(archive, pickle));
  const storages = new Map<string, ByteSource>();
  const tensors = new Map<string, SourceTensor>();
  const otherNames: string[] = [];
  const wrapper = wrapperOf(stateDict);
  for (const [key, value] of stateDict.entries) {
    const name = tensorName(archive, pickle, key).slice(wrapper.length);
    if (isKind(value, "tensor")) {
      tensors.set(name, openTensor(archive, pickle, storages, name, value));
    } else {
      otherNames.push(name);
    }
  }
  return { tensors, otherNames };
}

/** Where programs of training keep the state dict, beside what they need to go on. */
const STATE_DICT_NAMES: readonly string[] = ["state_dict", "model_state_dict", "model", "module"];

/** The state dict: the pickle's own, or the one that a training program's checkpoint has under a known name. */
function withinCheckpoint(saved: PickleDict): PickleDict {
  if ([...saved.entries.values()].some((value) => isKind(value, "tensor"))) return saved;
  const inner = STATE_DICT_NAMES.map((name) => saved.entries.get(name)).find((value) => isKind(value, "dict"));
  return isKind(inner, "dict") ? inner : saved;
}

/** What a program of training has put in front of all names: `module.` by DataParallel, `_orig_mod.` by torch.compile. */
function wrapperOf({ entries }: PickleDict): string {
  const [first] = entries.keys();
  const [wrapper = ""] = /^(?:module\.|_orig_mod\.)+(?=.)/.exec(String(first)) ?? [];
  return [...entries.keys()].every((key) => typeof key === "string" && key.startsWith(wrapper) && key !== wrapper)
    ? wrapper
    : "";
}

/** Exactly one member ends in `.pkl`, and everything is stored, in one directory. */
function findPickle(archive: Archive): ArchiveMember {
  const members = [...archive.members.values()];
  const script = members.find(({ name }) => /^[^/]*\/(?:constants\.pkl|code\/.*)$/.test(name));
  if (script !== undefined) {
    throw unsupported(
      archive,
      script,
      script.name,
      "this is TorchScript, which is not read; save a state dict instead",
    );
  }
  const compressed = members.find(({ isCompressed }) => isCompressed);
  if (compressed !== undefined) {
    const message = `"${printable(compressed.name)}" is compressed; torch.save only stores`;
    throw archiveError(archive, "E_ZIP_METHOD", compressed, "method", "stored", "compressed", message);
  }
  const pickles = members.filter(({ name }) => name.endsWith(".pkl"));
  const [pickle] = pickles;
  if (pickle === undefined) throw unsupported(archive, undefined, "no pickle", "no pickle in the archive");
  const roots = new Set(members.map(({ name }) => name.slice(0, name.indexOf("/") + 1)));
  if (pickles.length > 1 || roots.size > 1) {
    const got = `${pickles.length} pickles, ${roots.size} root directories`;
    throw archiveError(archive, "E_DUP", pickle, "names", "one of each", got, `the archive has ${got}`);
  }
  return pickle;
}

/** Files of older versions have no such member: they do not say. */
async function assertLittleEndian(archive: Archive, pickle: ArchiveMember): Promise<void> {
  const root = pickle.name.slice(0, pickle.name.lastIndexOf("/") + 1);
  const member = archive.members.get(`${root}byteorder`);
  if (member === undefined) return;
  const bytes = new Uint8Array(Math.min(member.byteLength, 16));
  await archive.open(member).read(0, bytes);
  const order = new TextDecoder().decode(bytes).trim();
  if (order !== "little") throw unsupported(archive, member, order, "numbers in big-endian order are not read");
}

/** The pickle is the one thing that is read whole. */
async function readStateDict(archive: Archive, pickle: ArchiveMember): Promise<PickleDict> {
  const { name, byteLength, dataOffset } = pickle;
  if (byteLength > PICKLE_BYTES) {
    const expected = `at most ${PICKLE_BYTES} bytes`;
    throw archiveError(archive, "E_LIMIT", pickle, name, expected, byteLength, "pickle too large");
  }
  archive.budget.takeBytes(byteLength, "pickle", dataOffset);
  const bytes = new Uint8Array(byteLength);
  await archive.open(pickle).read(0, bytes);
  const value = readPickle(bytes, { file: archive.name, baseOffset: dataOffset, budget: archive.budget });
  if (isKind(value, "dict")) return value;
  const message = "the pickle holds no state dict";
  throw archiveError(archive, "E_PICKLE_TYPE", pickle, name, "a dict", kindOf(value), message);
}

/** @throws `E_KEY` unless the key is text; `E_NAME` unless it is a name of 1 to 255 bytes. */
function tensorName(archive: Archive, pickle: ArchiveMember, key: PickleKey): string {
  const field = "state dict";
  if (typeof key !== "string") {
    const got = kindOf(key);
    throw archiveError(archive, "E_KEY", pickle, field, "text", got, `a key is ${got}, not text`);
  }
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > NAME_BYTES || key === "__proto__") {
    const shown = printable(key);
    const expected = `1 to ${NAME_BYTES} printable ASCII characters`;
    throw archiveError(archive, "E_NAME", pickle, field, expected, shown, `"${shown}" is no name for a tensor`);
  }
  return key;
}

/** A view of a storage that must be exactly as long as the pickle says. Tensors may share storages. */
function openTensor(
  archive: Archive,
  pickle: ArchiveMember,
  storages: Map<string, ByteSource>,
  name: string,
  record: PickleTensor,
): SourceTensor {
  const { storage, elementIndex, shape, strides } = record;
  // the storages of ROOT/data.pkl are ROOT/data/0, ROOT/data/1, …
  const member = archive.members.get(`${pickle.name.slice(0, -".pkl".length)}/${storage.key}`);
  const byteLength = storage.nElements * elementBytes(storage.elementType);
  if (member === undefined || member.byteLength !== byteLength) {
    const got = member === undefined ? "no such member" : `${member.byteLength} bytes`;
    const message = `storage "${storage.key}" of tensor "${name}": ${byteLength} bytes needed, ${got}`;
    throw archiveError(archive, "E_STORAGE", member ?? pickle, name, `${byteLength} bytes`, got, message);
  }
  let source = storages.get(storage.key);
  if (source === undefined) {
    source = archive.open(member);
    storages.set(storage.key, source);
  }
  return stridedTensor({ name, type: storage.elementType, shape, strides, elementIndex }, source);
}

function unsupported(
  archive: Archive,
  member: ArchiveMember | undefined,
  got: string,
  message: string,
): CheckpointError {
  const expected = "a state dict saved by torch.save";
  return archiveError(archive, "E_UNSUPPORTED", member, "names", expected, printable(got), message);
}

function archiveError(
  archive: Archive,
  code: string,
  member: ArchiveMember | undefined,
  field: string,
  expected: string | number,
  got: string | number,
  message: string,
): CheckpointError {
  return new CheckpointError({
    code,
    file: archive.name,
    offset: member?.dataOffset ?? 0,
    field,
    expected,
    got,
    message,
  });
}
