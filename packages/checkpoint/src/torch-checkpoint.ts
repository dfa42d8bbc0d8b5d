// A state dict that torch.save wrote: an archive with one pickle, which names storages, each being a member of the archive.
// The archive itself is opened elsewhere (see ./node): this file knows members by name only.

import { type ByteSource, printable } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { NAME_BYTES, PICKLE_BYTES } from "./limits.ts";
import { readPickle } from "./pickle.ts";
import {
  isKind,
  kindOf,
  type PickleDict,
  type PickleKey,
  type PickleStorage,
  type PickleTensor,
} from "./pickle-values.ts";
import { elementBytes, type SourceTensor } from "./source-tensor.ts";
import { stridedTensor } from "./strided-tensor.ts";

/** One stored (uncompressed) member of an archive. */
export interface ArchiveMember {
  /** Full name, such as `archive/data/12`. */
  readonly name: string;
  /** First byte of its data in the archive. */
  readonly dataOffset: number;
  readonly byteLength: number;
}

/** Opened members are checked against the checksum of the archive by whoever opens them. */
export interface Archive {
  /** Shown in errors. */
  readonly name: string;
  readonly members: ReadonlyMap<string, ArchiveMember>;
  /** The bytes of a member, read when asked for. */
  open(member: ArchiveMember): ByteSource;
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
  const stateDict = await readStateDict(archive, pickle);
  const storages = new Map<string, ByteSource>();
  const tensors = new Map<string, SourceTensor>();
  const otherNames: string[] = [];
  for (const [key, value] of stateDict.entries) {
    const name = tensorName(archive, pickle, key);
    if (isKind(value, "tensor")) {
      tensors.set(name, openTensor(archive, rootOf(pickle), storages, name, value));
    } else {
      otherNames.push(name);
    }
  }
  return { tensors, otherNames };
}

/** The directory that holds everything, without a slash. */
function rootOf(pickle: ArchiveMember): string {
  return pickle.name.slice(0, pickle.name.lastIndexOf("/"));
}

/** Exactly one member ends in `.pkl`, and everything lies in one directory. */
function findPickle(archive: Archive): ArchiveMember {
  const names = [...archive.members.keys()];
  const script = names.find((name) => /^[^/]*\/(?:constants\.pkl|code\/.*)$/.test(name));
  if (script !== undefined) {
    throw unsupported(
      archive,
      `"${script}" belongs to TorchScript, which is not read; save a state dict instead`,
      script,
    );
  }
  const pickles = names.filter((name) => name.endsWith(".pkl"));
  const [first] = pickles;
  if (first === undefined) throw unsupported(archive, "no pickle in the archive: torch.save did not make it", "none");
  const roots = new Set(names.map((name) => name.slice(0, name.indexOf("/") + 1)));
  if (pickles.length > 1 || roots.size > 1) {
    throw new CheckpointError({
      code: "E_DUP",
      file: archive.name,
      offset: archive.members.get(pickles.at(-1) as string)?.dataOffset,
      field: "zip.names",
      expected: "one pickle and one root directory",
      got: `${pickles.length} pickles, ${roots.size} roots`,
      message: "more than one checkpoint in the archive",
    });
  }
  return archive.members.get(first) as ArchiveMember;
}

async function assertLittleEndian(archive: Archive, pickle: ArchiveMember): Promise<void> {
  const member = archive.members.get(`${rootOf(pickle)}/byteorder`);
  if (member === undefined) return;
  const bytes = new Uint8Array(Math.min(member.byteLength, 16));
  await archive.open(member).read(0, bytes);
  const order = new TextDecoder().decode(bytes).trim();
  if (order !== "little") throw unsupported(archive, `byte order "${printable(order)}" is not read`, order);
}

async function readStateDict(archive: Archive, pickle: ArchiveMember): Promise<PickleDict> {
  if (pickle.byteLength > PICKLE_BYTES) {
    throw new CheckpointError({
      code: "E_LIMIT",
      file: archive.name,
      offset: pickle.dataOffset,
      field: pickle.name,
      expected: `at most ${PICKLE_BYTES} bytes`,
      got: pickle.byteLength,
      message: "pickle too large",
    });
  }
  const bytes = new Uint8Array(pickle.byteLength);
  await archive.open(pickle).read(0, bytes);
  const value = readPickle(bytes, { file: archive.name, baseOffset: pickle.dataOffset });
  if (isKind(value, "dict")) return value;
  throw new CheckpointError({
    code: "E_PICKLE_TYPE",
    file: archive.name,
    offset: pickle.dataOffset,
    field: pickle.name,
    expected: "a dict",
    got: kindOf(value),
    message: "the pickle holds no state dict",
  });
}

/** @throws `E_KEY` unless the key is text; `E_NAME` unless it is a name of 1 to 255 bytes. */
function tensorName(archive: Archive, pickle: ArchiveMember, key: PickleKey): string {
  const fields = { file: archive.name, offset: pickle.dataOffset, field: "state dict" };
  if (typeof key !== "string") {
    const got = kindOf(key);
    throw new CheckpointError({
      ...fields,
      code: "E_KEY",
      expected: "text",
      got,
      message: `a key is ${got}, not text`,
    });
  }
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > NAME_BYTES || key === "__proto__") {
    const message = `"${printable(key)}" is no name for a tensor`;
    const expected = `1 to ${NAME_BYTES} printable ASCII characters`;
    throw new CheckpointError({ ...fields, code: "E_NAME", expected, got: printable(key), message });
  }
  return key;
}

function openTensor(
  archive: Archive,
  root: string,
  storages: Map<string, ByteSource>,
  name: string,
  record: PickleTensor,
): SourceTensor {
  const { storage, elementIndex, shape, strides } = record;
  const member = archive.members.get(`${root}/data/${storage.key}`);
  const byteLength = storage.nElements * elementBytes(storage.elementType);
  if (member === undefined || member.byteLength !== byteLength) {
    throw storageError(archive, storage, name, member, byteLength);
  }
  let source = storages.get(storage.key);
  if (source === undefined) {
    source = archive.open(member);
    storages.set(storage.key, source);
  }
  return stridedTensor({ name, type: storage.elementType, shape, strides, elementIndex }, source);
}

function storageError(
  archive: Archive,
  storage: PickleStorage,
  name: string,
  member: ArchiveMember | undefined,
  byteLength: number,
): CheckpointError {
  const got = member === undefined ? "nothing" : `${member.byteLength} bytes`;
  return new CheckpointError({
    code: "E_STORAGE",
    file: archive.name,
    offset: member?.dataOffset,
    field: name,
    expected: `${byteLength} bytes`,
    got,
    message: `storage "${storage.key}" of tensor "${name}" has ${got}, ${byteLength} bytes needed`,
  });
}

function unsupported(archive: Archive, message: string, got: string): CheckpointError {
  return new CheckpointError({
    code: "E_UNSUPPORTED",
    file: archive.name,
    field: "zip.names",
    expected: "a state dict saved by torch.save",
    got: printable(got),
    message,
  });
}
