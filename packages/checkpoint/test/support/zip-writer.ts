// A writer of stored zip archives that can be told to lie about every field.

import { crc32 } from "node:zlib";
import { concat, u16, u32, u64 } from "./bytes.ts";

export interface ZipEntrySpec {
  readonly name: string | Uint8Array;
  readonly data: Uint8Array;
  readonly localName?: string | Uint8Array;
  readonly flags?: number;
  readonly method?: number;
  /** Real CRC-32 if absent. */
  readonly crc?: number;
  readonly localExtra?: Uint8Array;
  readonly centralExtra?: Uint8Array;
  /** Sizes and checksum follow the data instead of standing before it. */
  readonly descriptor?: boolean;
  readonly compressedSize?: number;
  readonly uncompressedSize?: number;
  readonly headerOffset?: number;
  /** Put the directory entry, but no local header and data. */
  readonly centralOnly?: boolean;
}

export interface ZipSpec {
  readonly entries: readonly ZipEntrySpec[];
  readonly prefix?: Uint8Array;
  readonly suffix?: Uint8Array;
  /** Offsets count from the start of the file (false) or of the archive (true, as a prepended prefix leaves them). */
  readonly shifted?: boolean;
  readonly count?: number;
  readonly directoryOffset?: number;
  readonly directorySize?: number;
  readonly commentLength?: number;
  readonly comment?: Uint8Array;
  /** Bytes between the directory and the end record. */
  readonly beforeEnd?: (directory: { offset: number; size: number; count: number; position: number }) => Uint8Array;
}

export function zip(spec: ZipSpec): Uint8Array {
  const prefix = spec.prefix ?? new Uint8Array(0);
  const base = spec.shifted ? 0 : prefix.length;
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let position = 0;
  for (const entry of spec.entries) {
    const name = toBytes(entry.name);
    const localName = toBytes(entry.localName ?? entry.name);
    const crc = entry.crc ?? crc32(entry.data);
    const flags = (entry.flags ?? 0) | (entry.descriptor ? 8 : 0);
    const compressed = entry.compressedSize ?? entry.data.length;
    const uncompressed = entry.uncompressedSize ?? compressed;
    const localExtra = entry.localExtra ?? new Uint8Array(0);
    const centralExtra = entry.centralExtra ?? new Uint8Array(0);
    const headerOffset = entry.headerOffset ?? base + position;
    const head = concat(u16(20), u16(flags), u16(entry.method ?? 0), u16(0), u16(0x21));
    const sizes = concat(u32(crc), u32(compressed), u32(uncompressed));
    central.push(
      concat("PK\x01\x02", u16(20), head, sizes, u16(name.length), u16(centralExtra.length)),
      concat(u16(0), u16(0), u16(0), u32(0), u32(headerOffset), name, centralExtra),
    );
    if (entry.centralOnly) continue;
    const local = concat(
      "PK\x03\x04",
      head,
      entry.descriptor ? new Uint8Array(12) : sizes,
      u16(localName.length),
      u16(localExtra.length),
      localName,
      localExtra,
      entry.data,
      entry.descriptor ? concat("PK\x07\x08", sizes) : new Uint8Array(0),
    );
    parts.push(local);
    position += local.length;
  }
  const directory = concat(...central);
  const offset = spec.directoryOffset ?? base + position;
  const size = spec.directorySize ?? directory.length;
  const count = spec.count ?? spec.entries.length;
  const before =
    spec.beforeEnd?.({ offset, size, count, position: prefix.length + position + directory.length }) ??
    new Uint8Array(0);
  const comment = spec.comment ?? new Uint8Array(0);
  const end = concat(
    concat("PK\x05\x06", u16(0), u16(0), u16(count), u16(count), u32(size), u32(offset)),
    concat(u16(spec.commentLength ?? comment.length), comment),
  );
  return concat(prefix, ...parts, directory, before, end, spec.suffix ?? new Uint8Array(0));
}

/** Zip64 end record and locator, for `beforeEnd`. */
export function zip64End(
  directory: { offset: number; size: number; count: number; position: number },
  lie: { offset?: bigint; locator?: bigint; count?: bigint } = {},
): Uint8Array {
  const count = lie.count ?? BigInt(directory.count);
  return concat(
    concat("PK\x06\x06", u64(44), u16(45), u16(45), u32(0), u32(0), u64(count), u64(count)),
    concat(u64(directory.size), u64(lie.offset ?? BigInt(directory.offset))),
    concat("PK\x06\x07", u32(0), u64(lie.locator ?? BigInt(directory.position)), u32(1)),
  );
}

function toBytes(name: string | Uint8Array): Uint8Array {
  return typeof name === "string" ? new TextEncoder().encode(name) : name;
}
