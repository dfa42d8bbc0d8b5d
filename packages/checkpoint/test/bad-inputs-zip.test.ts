// Bad-input corpus, the zip layer of .pth files (PZ): rows marked + must open, the others must be refused with a complete error.

import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { memorySource } from "@ll/bytes";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { openTorchCheckpoint, type TorchCheckpoint } from "../src/torch-checkpoint.ts";
import { openZipArchive } from "../src/zip-archive.ts";
import { concat, f32s, u16, u32, u64 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { dict, pickle, tensor } from "./support/pickle-writer.ts";
import { metaTensors, PARAMS_JSON } from "./support/tiny-model.ts";
import { torchFile } from "./support/torch-writer.ts";
import { type ZipEntrySpec, type ZipSpec, zip, zip64End } from "./support/zip-writer.ts";

const PICKLE = pickle(dict([["a", tensor({ key: "0", numel: 16, shape: [4, 4] })]]));
const VALUES = f32s(Array.from({ length: 16 }, (_, i) => i));

const PKL: ZipEntrySpec = { name: "archive/data.pkl", data: PICKLE };
const STORAGE: ZipEntrySpec = { name: "archive/data/0", data: VALUES };
const VERSION: ZipEntrySpec = { name: "archive/version", data: concat("3\n") };
const GOOD: readonly ZipEntrySpec[] = [PKL, STORAGE, VERSION];

const make = (spec: Partial<ZipSpec> = {}): Uint8Array => zip({ entries: GOOD, ...spec });
const but = (changes: Partial<ZipEntrySpec>, index = 0): Uint8Array =>
  make({ entries: GOOD.map((entry, i) => (i === index ? { ...entry, ...changes } : entry)) });
const extra = (id: number, data: Uint8Array): Uint8Array => concat(u16(id), u16(data.length), data);

function open(bytes: Uint8Array): Promise<TorchCheckpoint> {
  const budget = countingBudget();
  return openZipArchive(memorySource(bytes, "bad.pth"), { budget })
    .then(openTorchCheckpoint)
    .finally(() => expectWithinPromise(budget, bytes.length));
}

type Bad = readonly [row: string, bytes: Uint8Array | (() => Uint8Array), code: string];

const REJECTED: readonly Bad[] = [
  ["PZ02 no bytes", new Uint8Array(0), "E_ZIP_EOCD"],
  ["PZ02 no end record", make().subarray(0, make().length - 22), "E_ZIP_EOCD"],
  ["PZ02 half an end record", make().subarray(0, make().length - 11), "E_ZIP_EOCD"],
  ["PZ02 comment longer than declared", make({ comment: concat("hello"), commentLength: 3 }), "E_ZIP_EOCD"],
  ["PZ02 comment shorter than declared", make({ commentLength: 3 }), "E_ZIP_EOCD"],
  ["PZ02 two end records", concat(make(), make().subarray(-22)), "E_ZIP_EOCD"],
  ["PZ02 an end record in the comment", make({ comment: concat(make().subarray(-22)) }), "E_ZIP_EOCD"],
  [
    "PZ03 a picture before it",
    make({ prefix: concat([0xff, 0xd8], new Uint8Array(98)), shifted: true }),
    "E_ZIP_POLYGLOT",
  ],
  [
    "PZ03 a picture before it, offsets adjusted",
    make({ prefix: concat([0xff, 0xd8], new Uint8Array(98)) }),
    "E_ZIP_POLYGLOT",
  ],
  ["PZ03 bytes after it", make({ suffix: concat("tail") }), "E_ZIP_POLYGLOT"],
  ["PZ04 zip64 locator points outside", make({ beforeEnd: (d) => zip64End(d, { locator: 2n ** 40n }) }), "E_ZIP64"],
  [
    "PZ04 zip64 locator points at itself",
    make({ beforeEnd: (d) => zip64End(d, { locator: BigInt(d.position + 56) }) }),
    "E_ZIP64",
  ],
  ["PZ04 zip64 locator points at a member", make({ beforeEnd: (d) => zip64End(d, { locator: 0n }) }), "E_ZIP64"],
  ["PZ04 zip64 directory at 2^63", make({ beforeEnd: (d) => zip64End(d, { offset: 2n ** 63n }) }), "E_ZIP64"],
  ["PZ04 zip64 count of 2^63", make({ beforeEnd: (d) => zip64End(d, { count: 2n ** 63n }) }), "E_ZIP64"],
  [
    "PZ04 zip64 size of a member 2^63",
    but({ compressedSize: 0xffffffff, centralExtra: extra(1, concat(u64(2n ** 63n), u64(2n ** 63n))) }, 1),
    "E_ZIP64",
  ],
  [
    "PZ04 zip64 size of a member missing",
    but({ compressedSize: 0xffffffff, centralExtra: extra(1, u64(64)) }, 1),
    "E_ZIP64",
  ],
  ["PZ05 directory past the end", make({ directoryOffset: 100_000 }), "E_ZIP_CD"],
  ["PZ05 directory too large", make({ directorySize: 100_000 }), "E_ZIP_CD"],
  ["PZ05 directory elsewhere", make({ directoryOffset: 10 }), "E_ZIP_CD"],
  ["PZ05 one member more than there are", make({ count: 4 }), "E_ZIP_CD"],
  ["PZ05 one member less than there are", make({ count: 2 }), "E_ZIP_CD"],
  ["PZ05 no members", make({ count: 0 }), "E_ZIP_CD"],
  ["PZ05 an empty archive", make({ entries: [] }), "E_ZIP_CD"],
  ["PZ05 65535 members without zip64", make({ count: 65535 }), "E_ZIP_CD"],
  ["PZ06 another local name", but({ localName: "archive/evil.pkl" }), "E_ZIP_MISMATCH"],
  ["PZ06 a shorter local name", but({ localName: "archive/data.pk" }), "E_ZIP_MISMATCH"],
  ["PZ06 two sizes for stored bytes", but({ uncompressedSize: 10 }, 1), "E_ZIP_MISMATCH"],
  ["PZ07 flag 0x1, encrypted", but({ flags: 0x1 }), "E_ZIP_FLAG"],
  ["PZ07 flag 0x20, patched", but({ flags: 0x20 }), "E_ZIP_FLAG"],
  ["PZ07 flag 0x40, strongly encrypted", but({ flags: 0x40 }), "E_ZIP_FLAG"],
  ["PZ07 flag 0x2000, masked", but({ flags: 0x2000 }), "E_ZIP_FLAG"],
  ["PZ08 wrong checksum of the pickle", but({ crc: 0x12345678 }), "E_CRC"],
  [
    "PZ10 deflated pickle",
    but({ data: deflateRawSync(PICKLE), uncompressedSize: PICKLE.length, method: 8 }),
    "E_ZIP_METHOD",
  ],
  [
    "PZ10 deflate 1000:1",
    () => but({ data: deflateRawSync(new Uint8Array(1 << 20)), uncompressedSize: 1 << 20, method: 8 }, 1),
    "E_ZIP_METHOD",
  ],
  ["PZ10 method 99", but({ method: 99 }), "E_ZIP_METHOD"],
  [
    "PZ11 two members share bytes",
    but({ headerOffset: 0, localName: "archive/data/0", centralOnly: true }, 1),
    "E_ZIP_MISMATCH",
  ],
  ["PZ11 a member over the next one", but({ compressedSize: PICKLE.length + 10 }), "E_ZIP_OVERLAP"],
  ["PZ11 a member over one byte of the next one", but({ compressedSize: PICKLE.length + 1 }), "E_ZIP_OVERLAP"],
  ["PZ11 a member over the directory", but({ compressedSize: 60 }, 2), "E_ZIP_OVERLAP"],
  ["PZ11 a member past the end", but({ compressedSize: 100_000 }, 2), "E_ZIP_OVERLAP"],
  ["PZ12 two pickles", make({ entries: [...GOOD, { name: "archive/more.pkl", data: PICKLE }] }), "E_DUP"],
  ["PZ12 two roots", make({ entries: [...GOOD, { name: "other/data/1", data: VALUES }] }), "E_DUP"],
  ["PZ12 a member outside the root", make({ entries: [...GOOD, { name: "version", data: VALUES }] }), "E_DUP"],
  ["PZ12 the same name twice", make({ entries: [...GOOD, STORAGE] }), "E_DUP"],
  ...["../x", "/x", "C:\\x", "C:x", "a\0b", "a\\b", "a/../b", "a//b", "./a", "", "a\x1bb"].map(
    (name): Bad => [`PZ13 the name ${JSON.stringify(name)}`, but({ name }, 2), "E_NAME"],
  ),
  ["PZ13 a name of 65 535 bytes", () => but({ name: "a".repeat(65_535) }, 2), "E_NAME"],
  ["PZ13 a name of 70 000 bytes, cut to 16 bits", () => but({ name: "a".repeat(70_000) }, 2), "E_NAME"],
  ["PZ13 a name that is not UTF-8", but({ name: concat("archive/", [0xff]) }, 2), "E_NAME"],
  ["PZ14 storage missing", make({ entries: [PKL, VERSION] }), "E_STORAGE"],
  ["PZ14 storage one byte short", but({ data: VALUES.subarray(1) }, 1), "E_STORAGE"],
  ["PZ14 storage too long", but({ data: concat(VALUES, [0]) }, 1), "E_STORAGE"],
  [
    "PZ15 byte order big",
    make({ entries: [...GOOD, { name: "archive/byteorder", data: concat("big") }] }),
    "E_UNSUPPORTED",
  ],
  [
    "PZ15 byte order of a megabyte",
    () => make({ entries: [...GOOD, { name: "archive/byteorder", data: new Uint8Array(1 << 20) }] }),
    "E_UNSUPPORTED",
  ],
  ["PZ15 TorchScript", make({ entries: [...GOOD, { name: "archive/constants.pkl", data: PICKLE }] }), "E_UNSUPPORTED"],
  [
    "PZ15 TorchScript code",
    make({ entries: [...GOOD, { name: "archive/code/__torch__.py", data: PICKLE }] }),
    "E_UNSUPPORTED",
  ],
  ["PZ15 no pickle", make({ entries: [STORAGE, VERSION] }), "E_UNSUPPORTED"],
  ["PZ16 a zip file as the pickle", but({ data: make() }), "E_PICKLE_OP"],
];

describe("archives that are refused", () => {
  it.each(REJECTED)("%s", async (_, input, code) => {
    await expectRejected(() => open(typeof input === "function" ? input() : input), code);
  });

  it("PZ04 a zip64 number of members over the limit", async () => {
    const entries = Array.from(
      { length: 10_001 },
      (_, i): ZipEntrySpec => ({ name: `a/data/${i}`, data: new Uint8Array(0) }),
    );
    await expectRejected(() => open(make({ entries, beforeEnd: zip64End })), "E_LIMIT");
  });

  it("PZ08 a damaged storage is found while it is read from start to end", async () => {
    const { tensors } = await open(but({ crc: 0x12345678 }, 1));
    const tensorA = tensors.get("a")!;
    await readAll(tensorA, 40).then(
      () => expect.unreachable("the damage was not found"),
      (error) => expect(error.code).toBe("E_CRC"),
    );
    await expectRejected(() => readAll(tensorA), "E_CRC");
  });

  it("PZ08 a damaged storage is found by verify if it was read in another order", async () => {
    const damaged = make().slice();
    const at = Buffer.from(damaged).indexOf(Buffer.from(VALUES));
    damaged[at] = damaged[at]! ^ 1;
    const model = directoryWith({ "consolidated.00.pth": damaged });
    const archive = await openZipArchive(memorySource(damaged, join(model, "consolidated.00.pth")));
    const { tensors } = await openTorchCheckpoint(archive);
    await tensors.get("a")!.read(32, new Uint8Array(32));
    await tensors.get("a")!.read(0, new Uint8Array(32));
    await expectRejected(() => archive.verify(), "E_CRC");
  });

  it("PZ08 verify accepts what is whole, and stops when it is told to", async () => {
    const archive = await openZipArchive(memorySource(make()));
    await openTorchCheckpoint(archive);
    await expect(archive.verify(AbortSignal.abort("enough"))).rejects.toBe("enough");
    await archive.verify();
  });
});

describe("archives that must open", () => {
  const accepted: readonly (readonly [row: string, bytes: Uint8Array])[] = [
    ["PZ09 as torch.save writes it", make()],
    ["PZ09 without checksums", make({ entries: GOOD.map((entry) => ({ ...entry, crc: 0 })) })],
    [
      "PZ09 sizes after the data and 8 bytes of zip64 in the local header",
      make({ entries: GOOD.map((entry) => ({ ...entry, descriptor: true, localExtra: extra(1, u64(0)) })) }),
    ],
    ["PZ09 no version", make({ entries: [PKL, STORAGE] })],
    ["PZ09 byte order little", make({ entries: [...GOOD, { name: "archive/byteorder", data: concat("little") }] })],
    [
      "PZ09 data at multiples of 64",
      make({ entries: GOOD.map((entry) => ({ ...entry, localExtra: extra(0x4246, new Uint8Array(50)) })) }),
    ],
    ["PZ09 zip64 end record", make({ beforeEnd: zip64End })],
    [
      "PZ09 zip64 sizes of a member",
      but({ compressedSize: 0xffffffff, centralExtra: extra(1, concat(u64(64), u64(64))) }, 1),
    ],
    ["PZ09 a comment", make({ comment: concat("made by hand") })],
    ["PZ09 names marked as UTF-8", make({ entries: GOOD.map((entry) => ({ ...entry, flags: 0x800 })) })],
    ["PZ09 a directory entry", make({ entries: [...GOOD, { name: "archive/", data: new Uint8Array(0) }] })],
  ];
  it.each(accepted)("%s", async (_, bytes) => {
    const archive = await openZipArchive(memorySource(bytes));
    const { tensors } = await openTorchCheckpoint(archive);
    expect(await readAll(tensors.get("a")!, 7)).toEqual(VALUES);
    await archive.verify();
  });

  it("PZ09 an archive by another writer, PZ10 unless it is compressed", async () => {
    const content = (level: 0 | 9) =>
      zipSync({ archive: { "data.pkl": [PICKLE, { level }], data: { "0": [VALUES, { level: 0 }] } } }, { level: 0 });
    const { tensors } = await open(content(0));
    expect(await readAll(tensors.get("a")!)).toEqual(VALUES);
    await expectRejected(() => open(content(9)), "E_ZIP_METHOD");
  });

  it.each(["__proto__", "consolidated.00", "my model", "模型"])("PZ16 the root %s", async (root) => {
    const entries = GOOD.map((entry) => ({ ...entry, name: (entry.name as string).replace("archive", root) }));
    const { tensors } = await open(make({ entries }));
    expect([...tensors.keys()]).toEqual(["a"]);
  });
});

describe("files by that name that are something else", () => {
  const legacy = concat(
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
    ".",
    new Uint8Array(600),
  );
  const tar = concat("data.pkl", new Uint8Array(249), "ustar", new Uint8Array(400));
  const rows: readonly (readonly [row: string, bytes: Uint8Array, code: string])[] = [
    ["PZ01 a bare pickle", PICKLE, "E_UNSUPPORTED"],
    ["PZ01 the stream of torch before 1.6", legacy, "E_UNSUPPORTED"],
    ["PZ01 tar", tar, "E_UNSUPPORTED"],
    ["PZ01 7z", concat([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4], new Uint8Array(64)), "E_UNSUPPORTED"],
    ["PZ01 a Git LFS pointer", concat("version https://git-lfs.github.com/spec/v1\n"), "E_UNSUPPORTED"],
    ["PZ01 a web page", concat("<!DOCTYPE html>"), "E_UNSUPPORTED"],
    ["PZ01 a ggml file, without a reader for it", concat("tjgg", u32(1), new Uint8Array(64)), "E_UNSUPPORTED"],
    [
      "PZ03 a picture before a zip file",
      make({ prefix: concat([0xff, 0xd8, 0xff, 0xe0, 0, 0x10], "JFIF", [0]) }),
      "E_ZIP_POLYGLOT",
    ],
    ["PZ01 text", concat("this is no model at all"), "E_UNSUPPORTED"],
    ["PZ01 an empty file", new Uint8Array(0), "E_TRUNC"],
  ];
  it.each(rows)("%s", async (_, bytes, code) => {
    const directory = directoryWith({ "consolidated.00.pth": bytes, "params.json": PARAMS_JSON });
    await expectRejected(() => openCheckpoint(directory), code);
  });

  it("PZ08 a damaged model on disk is found by verify", async () => {
    const bytes = torchFile(metaTensors()).slice();
    bytes[(bytes.length / 2) | 0]! ^= 1;
    const checkpoint = await openCheckpoint(
      directoryWith({ "consolidated.00.pth": bytes, "params.json": PARAMS_JSON }),
    );
    await expectRejected(() => checkpoint.verify(), "E_CRC");
    await checkpoint.close();
  });
});
