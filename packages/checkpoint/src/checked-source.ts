// Bytes that are checked against a CRC-32 while they are read.

import { crc32 } from "node:zlib";
import { type ByteSource, printable } from "@ll/bytes";
import { PIECE_BYTES } from "./limits.ts";
import { spanTensor } from "./source-tensor.ts";
import { zipError } from "./zip-end.ts";

export interface CheckedSource extends ByteSource {
  /** Reads everything, unless it has been read from start to end already. @throws `E_CRC` */
  verify(signal?: AbortSignal): Promise<void>;
}

/** A part of a source and the CRC-32 that its bytes should have; 0 stands for "not known". */
export interface CheckedSpan {
  readonly name: string;
  readonly dataOffset: number;
  readonly byteLength: number;
  readonly crc: number;
}

/**
 * A member of an archive. Reads that follow each other from the first byte to the last, of any length, check it on the way:
 * the last one throws `E_CRC` if the bytes are not those that were stored. Reads in another order are left to `verify`.
 */
export function checkedSource(source: ByteSource, member: CheckedSpan): CheckedSource {
  const { byteLength, dataOffset, name } = member;
  const span = spanTensor(name, "u8", [byteLength], source, dataOffset, byteLength);
  let isVerified = member.crc === 0 || byteLength === 0;
  let next = 0; // `crc` is that of the bytes before it
  let crc = 0;

  async function read(offset: number, target: Uint8Array): Promise<void> {
    await span.read(offset, target);
    if (isVerified) return;
    if (offset === 0) {
      next = 0;
      crc = 0;
    }
    if (offset !== next) return;
    crc = crc32(target, crc);
    next += target.byteLength;
    if (next < byteLength) return;
    if (crc !== member.crc) {
      const message = `"${printable(name)}" is damaged: wrong CRC-32`;
      throw zipError(source, "E_CRC", dataOffset, hex(member.crc), hex(crc), message);
    }
    isVerified = true;
  }

  return {
    name: `${source.name}:${name}`,
    byteLength,
    read,
    async verify(signal) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, byteLength));
      for (let offset = 0; !isVerified && offset < byteLength; offset += piece.length) {
        signal?.throwIfAborted();
        await read(offset, piece.subarray(0, Math.min(piece.length, byteLength - offset)));
      }
    },
  };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
