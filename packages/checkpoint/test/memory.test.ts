// Files of many gigabytes, mostly holes: what is read and allocated stays small, and offsets beyond 2^32 are right.

import { type ByteSource, IoError, memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { asType } from "../src/cast.ts";
import { PIECE_BYTES } from "../src/limits.ts";
import { mergeParts } from "../src/shards.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { openTorchCheckpoint } from "../src/torch-checkpoint.ts";
import { openZipArchive } from "../src/zip-archive.ts";
import { concat, u16, u32, u64 } from "./support/bytes.ts";
import { dict, pickle, tensor } from "./support/pickle-writer.ts";
import { zip } from "./support/zip-writer.ts";

interface HoledSource extends ByteSource {
  bytesRead: number;
  largestRead: number;
}

/** Zeros with some bytes in them. */
function holedSource(byteLength: number, islands: ReadonlyMap<number, Uint8Array>): HoledSource {
  const source: HoledSource = {
    name: "holed.pth",
    byteLength,
    bytesRead: 0,
    largestRead: 0,
    async read(offset, target) {
      source.bytesRead += target.length;
      source.largestRead = Math.max(source.largestRead, target.length);
      target.fill(0);
      for (const [start, bytes] of islands) {
        const from = Math.max(start, offset);
        const to = Math.min(start + bytes.length, offset + target.length);
        if (from < to) target.set(bytes.subarray(from - start, to - start), from - offset);
      }
    },
  };
  return source;
}

/** An archive of `sizes.length` f16 storages of these sizes, without checksums, as torch.save may write it. */
function hugeArchive(sizes: readonly number[], marks: ReadonlyMap<number, Uint8Array>): HoledSource {
  const islands = new Map<number, Uint8Array>();
  const central: Uint8Array[] = [];
  let position = 0;
  const add = (name: string, size: number, data?: Uint8Array): number => {
    const isBig = size >= 2 ** 32 - 1;
    const shown = isBig ? 0xffffffff : size;
    const sizes64 = isBig ? concat(u64(size), u64(size)) : new Uint8Array(0);
    const offset64 = position >= 2 ** 32 - 1 ? u64(position) : new Uint8Array(0);
    const extra = concat(u16(1), u16(sizes64.length + offset64.length), sizes64, offset64);
    const head = concat(u16(45), u16(0), u16(0), u32(0), u32(0), u32(shown), u32(shown), u16(name.length));
    const shownOffset = offset64.length > 0 ? 0xffffffff : position;
    central.push(
      concat("PK\x01\x02", u16(45), head, u16(extra.length), new Uint8Array(10), u32(shownOffset), name, extra),
    );
    const local = concat("PK\x03\x04", head, u16(0), name);
    islands.set(position, data === undefined ? local : concat(local, data));
    const dataOffset = position + local.length;
    position = dataOffset + size;
    return dataOffset;
  };
  const state = dict(
    sizes.map((size, i): [string, Uint8Array] => {
      const fields = { storage: "HalfStorage", key: `${i}`, numel: size / 2, shape: [size / 16, 8] };
      return [`layers.${i}.weight`, tensor(fields)];
    }),
  );
  const pkl = pickle(state);
  add("archive/data.pkl", pkl.length, pkl);
  for (const [i, size] of sizes.entries()) {
    const dataOffset = add(`archive/data/${i}`, size);
    const mark = marks.get(i);
    if (mark !== undefined) islands.set(dataOffset + size - mark.length, mark);
  }
  const directory = concat(...central);
  const end = concat(
    concat("PK\x06\x06", u64(44), u16(45), u16(45), u32(0), u32(0), u64(central.length), u64(central.length)),
    concat(u64(directory.length), u64(position), "PK\x06\x07", u32(0), u64(position + directory.length), u32(1)),
    concat("PK\x05\x06", u16(0), u16(0), u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff), u16(0)),
  );
  islands.set(position, concat(directory, end));
  return holedSource(position + directory.length + end.length, islands);
}

describe("a .pth file of 18 GB", () => {
  const sizes = [5 * 2 ** 30, ...Array.from({ length: 290 }, () => 45 * 2 ** 20)];
  const marks = new Map([
    [0, Uint8Array.of(1, 2)],
    [290, Uint8Array.of(3, 4)],
  ]);

  it("opens by reading a few megabytes at most", async () => {
    const source = hugeArchive(sizes, marks);
    const { tensors } = await openTorchCheckpoint(await openZipArchive(source));
    expect(source.byteLength).toBeGreaterThan(18e9);
    expect(tensors.size).toBe(291);
    expect(source.bytesRead).toBeLessThan(2e6);
    expect(source.largestRead).toBeLessThan(100_000);
  });

  it("is read right beyond 2^32, both inside a tensor and in the file", async () => {
    const { tensors } = await openTorchCheckpoint(await openZipArchive(hugeArchive(sizes, marks)));
    for (const [i, mark] of marks) {
      const last = tensors.get(`layers.${i}.weight`)!;
      const bytes = new Uint8Array(4);
      await last.read(last.byteLength - 4, bytes);
      expect([...bytes]).toEqual([0, 0, ...mark]);
    }
  });
});

describe("reading a tensor in pieces", () => {
  it("asks its files for a few MiB at a time, whatever it is made of", async () => {
    const source = holedSource(2 ** 31, new Map());
    const slice = (name: string) => spanTensor(name, "bf16", [8192, 65536], source, 0, 2 ** 30);
    const name = "layers.0.feed_forward.w2.weight";
    const parts = [0, 1].map((i) => ({ file: `${i}`, tensors: new Map([[name, slice(name)]]) }));
    const joined = asType(mergeParts(parts).get(name)!, "f16");
    const piece = new Uint8Array(16 * 2 ** 20);
    for (let offset = 2 ** 30 - 1; offset < 2 ** 30 + 2 ** 25; offset += piece.length) await joined.read(offset, piece);
    expect(source.largestRead).toBeLessThanOrEqual(PIECE_BYTES);
    expect(joined.byteLength).toBe(2 ** 31);
  });
});

describe("a failing disk", () => {
  it("is reported as such, not as a bad archive", async () => {
    const good = zip({ entries: [{ name: "archive/data.pkl", data: pickle(dict([])) }] });
    const source = memorySource(good);
    let reads = 0;
    for (let failing = 1; failing <= 4; failing++) {
      reads = 0;
      const broken: ByteSource = {
        ...source,
        async read(offset, target) {
          if (++reads === failing) throw new IoError({ code: "E_IO", message: "the disk is gone" });
          await source.read(offset, target);
        },
      };
      const work = openZipArchive(broken).then(openTorchCheckpoint);
      await expect(work).rejects.toThrow("the disk is gone");
    }
  });
});
