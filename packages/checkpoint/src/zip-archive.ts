// A zip archive as torch.save makes it: its members are stored as they are, so that a tensor is read straight from the file.
// yauzl walks through the directory; everything it does not enforce is checked here. Nothing is inflated or extracted.

import {
  assertSource,
  type Budget,
  type BudgetOptions,
  type ByteSource,
  headerBudget,
  isIoError,
  printable,
} from "@ll/bytes";
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from "yauzl";
import { type CheckedSource, checkedSource } from "./checked-source.ts";
import { CheckpointError } from "./errors.ts";
import { ZIP_NAME_BYTES } from "./limits.ts";
import type { ArchiveMember, ZipArchive } from "./torch-checkpoint.ts";
import { YauzlReader } from "./yauzl-reader.ts";
import { ENTRY_BYTES, findZipDirectory, type ZipDirectory, zipError } from "./zip-end.ts";

interface ZipMember extends ArchiveMember {
  /** First byte of its local header. */
  readonly headerOffset: number;
  /** CRC-32 of its bytes; 0 from torch.save without checksums. */
  readonly crc: number;
}

/** Bits 1, 2 (levels of compression), 3 (sizes after the data) and 11 (names in UTF-8) say nothing about stored bytes. */
const HARMLESS_FLAGS = 0x080e;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the directory and every local header; nothing of a member's data.
 * @throws CheckpointError `E_ZIP_…`, `E_NAME`, `E_DUP`, …
 */
export async function openZipArchive(source: ByteSource, options: BudgetOptions = {}): Promise<ZipArchive> {
  assertSource(source);
  const budget = options.budget ?? headerBudget(source.byteLength, source.name, CheckpointError);
  const directory = await findZipDirectory(source, budget);
  const members = await readMembers(source, directory, budget);
  assertApart(source, [...members.values()], directory);
  const opened = new Map<string, CheckedSource>();
  return {
    name: source.name,
    budget,
    members,
    open(member) {
      const known = opened.get(member.name);
      if (known !== undefined) return known;
      const checked = checkedSource(source, members.get(member.name) as ZipMember);
      opened.set(member.name, checked);
      return checked;
    },
    async verify(signal) {
      for (const checked of opened.values()) await checked.verify(signal);
    },
  };
}

/** Members by name, in the order of the directory, whose records must fill it exactly. */
async function readMembers(
  source: ByteSource,
  directory: ZipDirectory,
  budget: Budget,
): Promise<Map<string, ZipMember>> {
  const members = new Map<string, ZipMember>();
  let position = directory.offset;
  const end = directory.offset + directory.byteLength;
  try {
    const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };
    const zip = await fromRandomAccessReaderPromise(new YauzlReader(source, budget), source.byteLength, options);
    for await (const entry of zip.eachEntry()) {
      const recordBytes = ENTRY_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
      if (position + recordBytes > end) break; // reported below: the records do not fill the directory
      budget.takeItems(1, "zip", position);
      budget.takeSteps(1, "zip", position);
      budget.takeBytes(entry.fileNameLength, "zip", position);
      const member = await readMember(source, zip, entry, position);
      if (members.has(member.name)) {
        throw zipError(
          source,
          "E_DUP",
          position,
          "different names",
          printable(member.name),
          "two members have one name",
        );
      }
      members.set(member.name, member);
      position += recordBytes;
    }
    zip.close();
  } catch (error) {
    throw error instanceof CheckpointError || isIoError(error) ? error : fromYauzl(source, position, error);
  }
  if (position !== end || members.size !== directory.nEntries) {
    const got = `${members.size} members in ${position - directory.offset}`;
    const expected = `${directory.nEntries} members in ${directory.byteLength} bytes`;
    throw zipError(
      source,
      "E_ZIP_CD",
      position,
      expected,
      got,
      "the central directory is not what its end record says",
    );
  }
  return members;
}

/** One member, its local header compared with its entry in the directory at `position`. */
async function readMember(source: ByteSource, zip: ZipFile, entry: Entry, position: number): Promise<ZipMember> {
  const name = memberName(source, entry.fileNameRaw, position);
  const fail = (code: string, expected: string | number, got: string | number, message: string): CheckpointError =>
    zipError(source, code, position, expected, got, `"${printable(name)}": ${message}`);
  const { compressedSize: byteLength, relativeOffsetOfLocalHeader: headerOffset, crc32: crc } = entry;
  if ((entry.generalPurposeBitFlag & ~HARMLESS_FLAGS) !== 0) {
    const got = `0x${entry.generalPurposeBitFlag.toString(16)}`;
    throw fail("E_ZIP_FLAG", "a plain member", got, `encrypted, patched or masked (flags ${got})`);
  }
  if (!Number.isSafeInteger(byteLength) || !Number.isSafeInteger(headerOffset)) {
    throw fail("E_ZIP64", "at most 2^53 - 1", byteLength, "size or offset too large");
  }
  const isCompressed = entry.compressionMethod !== 0;
  if (!isCompressed && entry.uncompressedSize !== byteLength) {
    throw fail("E_ZIP_MISMATCH", byteLength, entry.uncompressedSize, "a stored member has two different sizes");
  }
  if (headerOffset + byteLength > source.byteLength) {
    throw fail("E_ZIP_OVERLAP", `at most ${source.byteLength}`, headerOffset + byteLength, "reaches past the file");
  }
  // sizes in the local header may be 0 or 0xffffffff (they follow the data); name and method may not differ
  const local = await zip.readLocalFileHeaderPromise(entry);
  if (!local.fileName.equals(entry.fileNameRaw)) {
    const got = printable(utf8Lossy(local.fileName));
    throw fail("E_ZIP_MISMATCH", printable(name), got, "the local header gives another name");
  }
  const isSame =
    local.compressionMethod === entry.compressionMethod && (local.generalPurposeBitFlag & ~HARMLESS_FLAGS) === 0;
  if (!isSame) throw fail("E_ZIP_MISMATCH", "the same method", "another", "the local header gives another method");
  return { name, headerOffset, dataOffset: local.fileDataStart, byteLength, isCompressed, crc };
}

/** @throws `E_NAME` for a name that is not a plain relative path in UTF-8. */
function memberName(source: ByteSource, raw: Uint8Array, position: number): string {
  const refuse = (got: string): CheckpointError =>
    zipError(
      source,
      "E_NAME",
      position,
      "a plain relative path",
      printable(got),
      `bad member name "${printable(got)}"`,
    );
  let name: string;
  try {
    name = utf8.decode(raw);
  } catch {
    throw refuse(utf8Lossy(raw));
  }
  const isPlain = name
    .split("/")
    .every((part, i, parts) => part !== ".." && part !== "." && (part !== "" || i === parts.length - 1));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (!isPlain || raw.length === 0 || raw.length > ZIP_NAME_BYTES || /[\x00-\x1f\x7f\\]|^[A-Za-z]:/.test(name)) {
    throw refuse(name);
  }
  return name;
}

/** For messages only. */
function utf8Lossy(raw: Uint8Array): string {
  return new TextDecoder().decode(raw.subarray(0, ZIP_NAME_BYTES));
}

/** Members must begin at byte 0 and must not share bytes with each other or with the directory. */
function assertApart(source: ByteSource, members: readonly ZipMember[], directory: ZipDirectory): void {
  const sorted = [...members].sort((a, b) => a.headerOffset - b.headerOffset);
  const start = sorted[0]?.headerOffset ?? 0;
  if (start !== 0) {
    throw zipError(source, "E_ZIP_POLYGLOT", 0, "a member at byte 0", start, `${start} bytes before the first member`);
  }
  for (const [i, member] of sorted.entries()) {
    const end = member.dataOffset + member.byteLength;
    const limit = sorted[i + 1]?.headerOffset ?? directory.offset;
    if (end > limit) {
      const message = `"${printable(member.name)}" overlaps what follows it`;
      throw zipError(source, "E_ZIP_OVERLAP", member.headerOffset, `to end at ${limit} or before`, end, message);
    }
  }
}

/** What yauzl refuses by itself: it knows no codes, so its words are read. */
function fromYauzl(source: ByteSource, position: number, cause: unknown): CheckpointError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = /^zip64/.test(message)
    ? "E_ZIP64"
    : /encryption/.test(message)
      ? "E_ZIP_FLAG"
      : /local file header|file bounds/.test(message)
        ? "E_ZIP_MISMATCH"
        : "E_ZIP_CD";
  return new CheckpointError({
    code,
    file: source.name,
    offset: position,
    field: "zip",
    expected: "a valid central directory",
    got: message,
    message,
    cause,
  });
}
