// Where the central directory of a zip archive lies. An archive is taken only if it is nothing but an archive: members from
// the first byte on, then the directory, then the end records, which APPNOTE.TXT (4.3.14 to 4.3.16) lays out as
//   [zip64 end record, 56 bytes or more | zip64 locator, 20 bytes]  end record, 22 bytes, comment

import type { Budget, ByteSource } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { ZIP_ENTRIES } from "./limits.ts";

/** What the end records say about the central directory. */
export interface ZipDirectory {
  readonly offset: number;
  readonly byteLength: number;
  readonly nEntries: number;
}

const END_SIGNATURE = 0x06054b50;
/** Without the comment. */
const END_BYTES = 22;
/** Longest comment, which a 16-bit number counts. */
const COMMENT_BYTES = 0xffff;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
/** Without the extensible part, which torch.save does not write. */
const ZIP64_END_BYTES = 56;
/** Least size of an entry of the directory. */
export const ENTRY_BYTES = 46;
const MEMBER_SIGNATURE = 0x04034b50;

/** @throws `E_ZIP_EOCD`, `E_ZIP64`, `E_ZIP_POLYGLOT`, `E_ZIP_CD` or `E_LIMIT`. */
export async function findZipDirectory(source: ByteSource, budget: Budget): Promise<ZipDirectory> {
  const endOffset = await findEnd(source, budget);
  const end = await viewAt(source, endOffset, END_BYTES);
  const zip64 = await readZip64End(source, endOffset);
  const directory = zip64 ?? {
    offset: end.getUint32(16, true),
    byteLength: end.getUint32(12, true),
    nEntries: end.getUint16(10, true),
  };
  const isOneDisk = end.getUint16(4, true) === 0 && end.getUint16(6, true) === 0;
  // torch.save caps the 16-bit counts of a zip64 archive, so they are compared only without one
  if (zip64 === undefined && (!isOneDisk || end.getUint16(8, true) !== directory.nEntries)) {
    throw zipError(source, "E_ZIP_CD", endOffset + 4, "one disk", "several", "the archive spans several disks");
  }
  await assertPlace(source, directory, zip64?.endOffset ?? endOffset);
  if (directory.nEntries > ZIP_ENTRIES) {
    const { nEntries } = directory;
    throw zipError(source, "E_LIMIT", endOffset + 10, `at most ${ZIP_ENTRIES}`, nEntries, "too many members");
  }
  return directory;
}

/** True if the last bytes are the end record of an archive without a comment, whatever the file begins with. */
export async function endsAsZip(source: ByteSource): Promise<boolean> {
  const endOffset = source.byteLength - END_BYTES;
  return endOffset >= 0 && (await signatureAt(source, endOffset)) === END_SIGNATURE;
}

/** Offset of the end record, which must be the last thing in the file but for its own comment. */
async function findEnd(source: ByteSource, budget: Budget): Promise<number> {
  const length = Math.min(source.byteLength, END_BYTES + COMMENT_BYTES);
  const start = source.byteLength - length;
  budget.takeBytes(length, "zip", start);
  const tail = await viewAt(source, start, length);
  for (let i = length - END_BYTES; i >= 0; i--) {
    if (tail.getUint32(i, true) !== END_SIGNATURE) continue;
    const commentBytes = tail.getUint16(i + 20, true);
    const after = length - i - END_BYTES;
    if (commentBytes === after) {
      budget.releaseBytes(length);
      return start + i;
    }
    // an end record that knows of no comment was the end of the file once
    const code = commentBytes === 0 ? "E_ZIP_POLYGLOT" : "E_ZIP_EOCD";
    const message = `${after} bytes after the end record, whose comment has ${commentBytes}`;
    throw zipError(source, code, start + i + 20, commentBytes, after, message);
  }
  const expected = "an end record";
  throw zipError(source, "E_ZIP_EOCD", start, expected, "none", "no end record: the archive is cut short");
}

/** What the zip64 end record says, if the file has its locator. */
async function readZip64End(
  source: ByteSource,
  endOffset: number,
): Promise<(ZipDirectory & { readonly endOffset: number }) | undefined> {
  const locatorOffset = endOffset - LOCATOR_BYTES;
  if (locatorOffset < 0) return undefined;
  const locator = await viewAt(source, locatorOffset, LOCATOR_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR_SIGNATURE) return undefined;
  const position = locator.getBigUint64(8, true);
  if (position > BigInt(locatorOffset - ZIP64_END_BYTES)) {
    const most = locatorOffset - ZIP64_END_BYTES;
    throw zipError(
      source,
      "E_ZIP64",
      locatorOffset + 8,
      `at most ${most}`,
      `${position}`,
      "zip64 locator points outside",
    );
  }
  const recordOffset = Number(position);
  const record = await viewAt(source, recordOffset, ZIP64_END_BYTES);
  const recordBytes = record.getBigUint64(4, true) + 12n; // the field counts what follows it
  if (
    record.getUint32(0, true) !== ZIP64_END_SIGNATURE ||
    BigInt(recordOffset) + recordBytes !== BigInt(locatorOffset)
  ) {
    const expected = "a zip64 end record right before its locator";
    throw zipError(source, "E_ZIP64", recordOffset, expected, "other bytes", "bad zip64 end record");
  }
  const [nEntries, byteLength, offset] = [32, 40, 48].map((at) => {
    const value = record.getBigUint64(at, true);
    if (value <= BigInt(source.byteLength)) return Number(value);
    const expected = `at most ${source.byteLength}`;
    throw zipError(source, "E_ZIP64", recordOffset + at, expected, `${value}`, "zip64 number larger than the file");
  }) as [number, number, number];
  return { offset, byteLength, nEntries, endOffset: recordOffset };
}

/** The directory must end where the end records begin. */
async function assertPlace(source: ByteSource, directory: ZipDirectory, endOffset: number): Promise<void> {
  const { offset, byteLength, nEntries } = directory;
  const directoryEnd = offset + byteLength;
  if (directoryEnd === endOffset) {
    const most = Math.floor(byteLength / ENTRY_BYTES);
    if (nEntries > 0 && nEntries <= most) return;
    const message = `${nEntries} members in a directory of ${byteLength} bytes`;
    throw zipError(source, "E_ZIP_CD", offset, `1 to ${most} members`, nEntries, message);
  }
  const before = endOffset - directoryEnd;
  if (before > 0 && (await signatureAt(source, before)) === MEMBER_SIGNATURE) {
    // offsets that are all too small by what was put before the archive
    throw zipError(source, "E_ZIP_POLYGLOT", 0, "an archive from byte 0", before, `${before} bytes before the archive`);
  }
  if (before > 0 && (await signatureAt(source, directoryEnd)) === END_SIGNATURE) {
    throw zipError(source, "E_ZIP_EOCD", endOffset, "one end record", "two", "two end records");
  }
  const expected = `the directory to end at ${endOffset}`;
  throw zipError(source, "E_ZIP_CD", offset, expected, directoryEnd, "the central directory lies elsewhere");
}

/** The four bytes that begin every record of an archive; undefined past the end of the file. */
async function signatureAt(source: ByteSource, offset: number): Promise<number | undefined> {
  if (offset + 4 > source.byteLength) return undefined;
  return (await viewAt(source, offset, 4)).getUint32(0, true);
}

async function viewAt(source: ByteSource, offset: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length);
  await source.read(offset, bytes);
  return new DataView(bytes.buffer);
}

/** An error of the archive's structure; the caller throws it. */
export function zipError(
  source: ByteSource,
  code: string,
  offset: number,
  expected: string | number,
  got: string | number,
  message: string,
): CheckpointError {
  return new CheckpointError({ code, file: source.name, offset, field: "zip", expected, got, message });
}
