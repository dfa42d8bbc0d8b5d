// Bad-input corpus, safetensors (ST): rows marked + must open, the others must be refused with a complete error.

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { SAFETENSORS_HEADER_BYTES } from "../src/limits.ts";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { openSafetensors, type SafetensorsFile } from "../src/safetensors.ts";
import { concat, u64 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { safetensorsFile, safetensorsText } from "./support/safetensors-writer.ts";
import { CONFIG_JSON, hfTensors, metaTensors } from "./support/tiny-model.ts";

/** One f32 tensor of two values. */
const ONE = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
const DATA = new Uint8Array(8);

const entry = (name: string, offsets: string, shape = "[2]", dtype = '"F32"'): string =>
  `${JSON.stringify(name)}:{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
const one = (shape: string, offsets: string, dtype = '"F32"'): string => `{${entry("a", offsets, shape, dtype)}}`;

/** Opens a file, and asserts what it cost. */
function open(source: ByteSource): Promise<SafetensorsFile> {
  const budget = countingBudget();
  return openSafetensors(source, { budget }).finally(() => expectWithinPromise(budget, source.byteLength));
}

type Input = Uint8Array | (() => Uint8Array);
type Bad = readonly [row: string, input: Input, code: string];

const text = (header: string | Uint8Array, data: Uint8Array = DATA): Uint8Array => safetensorsText(header, data);
const withLength = (length: bigint): Uint8Array => concat(u64(length), ONE, DATA);

const REJECTED: readonly Bad[] = [
  ["ST01 no bytes", new Uint8Array(0), "E_TRUNC"],
  ["ST01 7 bytes", new Uint8Array(7), "E_TRUNC"],
  ["ST01 empty header", withLength(0n), "E_JSON"],
  ["ST01 header of 1 byte", withLength(1n), "E_JSON"],
  ["ST02 header longer than the file", withLength(1000n), "E_LENGTH"],
  ["ST02 header over 100 MB", withLength(100_000_001n), "E_LENGTH"],
  ["ST02 header of 2^63", withLength(2n ** 63n), "E_LENGTH"],
  ["ST02 header of 2^64 - 1", withLength(2n ** 64n - 1n), "E_LENGTH"],
  ["ST03 name not UTF-8", text(concat('{"', [0xff], '":1}')), "E_UTF8"],
  ["ST03 overlong encoding of a", text(concat('{"', [0xc1, 0xa1], '":1}')), "E_UTF8"],
  ["ST03 surrogate in UTF-8", text(concat('{"', [0xed, 0xa0, 0x80], '":1}')), "E_UTF8"],
  ["ST03 byte order mark", text(concat([0xef, 0xbb, 0xbf], ONE)), "E_JSON"],
  ["ST03 NUL padded", text(concat(ONE, [0, 0])), "E_JSON"],
  ["ST04 {", text("{"), "E_JSON"],
  ["ST04 []", text("[]"), "E_JSON"],
  ["ST04 null", text("null"), "E_JSON"],
  ["ST04 {}x", text("{}x"), "E_JSON"],
  ["ST04 trailing comma", text(ONE.replace(/}$/, ",}")), "E_JSON"],
  ["ST04 single quotes", text(ONE.replaceAll('"', "'")), "E_JSON"],
  ["ST04 NaN", text(one("[2]", "[0,NaN]")), "E_JSON"],
  ["ST04 missing colon", text('{"a" {}}'), "E_JSON"],
  ["ST04 raw line feed in a name", text('{"a\n":1}'), "E_JSON"],
  ["ST04 leading zero", text(one("[02]", "[0,8]")), "E_JSON"],
  ["ST06 10 names on one span", () => sameSpan(10), "E_OVERLAP"],
  ["ST06 10^5 names on one span", () => sameSpan(100_000), "E_OVERLAP"],
  ["ST06 partial overlap", text(`{${entry("a", "[0,8]")},${entry("b", "[4,12]")}}`, new Uint8Array(12)), "E_OVERLAP"],
  ["ST07 first span begins at 4", text(one("[1]", "[4,8]")), "E_HOLE"],
  ["ST07 hole", text(`{${entry("a", "[0,8]")},${entry("b", "[12,20]")}}`, new Uint8Array(20)), "E_HOLE"],
  ["ST07 begin after end", text(one("[2]", "[8,0]")), "E_RANGE"],
  ["ST08 1 byte too many", text(ONE, new Uint8Array(9)), "E_TRAILING"],
  ["ST08 2 bytes missing", text(ONE, new Uint8Array(6)), "E_TRUNC"],
  ["ST08 data without tensors", text("{}", DATA), "E_TRAILING"],
  ["ST09 offset 1.5", text(one("[2]", "[0,1.5]")), "E_INT"],
  ["ST09 offset 1e3", text(one("[2]", "[0,1e3]")), "E_INT"],
  ["ST09 offset -0", text(one("[2]", "[-0,8]")), "E_INT"],
  ['ST09 offset "0"', text(one("[2]", '["0",8]')), "E_INT"],
  ["ST09 offset 2^53 + 1", text(one("[2]", "[0,9007199254740993]")), "E_INT"],
  ["ST09 3 offsets", text(one("[2]", "[0,8,8]")), "E_INT"],
  ["ST09 1 offset", text(one("[2]", "[0]")), "E_INT"],
  ["ST09 offsets in an object", text(one("[2]", '{"0":0}')), "E_INT"],
  ["ST09 shape -1", text(one("[-1]", "[0,8]")), "E_INT"],
  ["ST10 span shorter than shape", text(one("[3]", "[0,8]")), "E_SHAPE"],
  ["ST10 span longer than shape", text(one("[1]", "[0,8]")), "E_SHAPE"],
  ["ST10 4 bytes for a rank 0 f16", text(one("[]", "[0,4]", '"F16"'), new Uint8Array(4)), "E_SHAPE"],
  ["ST11 shape [2, 2^64 - 2]", text(one("[2,18446744073709551614]", "[0,8]")), "E_OVERFLOW"],
  ["ST11 shape [2, 2^63 - 1]", text(one("[2,9223372036854775807]", "[0,8]")), "E_OVERFLOW"],
  ["ST11 shape [2^27, 2^27]", text(one("[134217728,134217728]", "[0,8]")), "E_OVERFLOW"],
  ["ST11 10^6 dimensions", () => text(one(`[${"1,".repeat(999_999)}1]`, "[0,8]")), "E_LIMIT"],
  ["ST13 duplicate name", text(`{${entry("a", "[0,8]")},${entry("a", "[0,8]")}}`), "E_DUP"],
  ["ST13 the same name escaped", text(`{${entry("a", "[0,8]")},${ONE.slice(1, -1).replace("a", "\\u0061")}}`), "E_DUP"],
  ["ST13 duplicate member", text(ONE.replace('"shape"', '"dtype":"F32","shape"')), "E_DUP"],
  ["ST15 metadata a number", text(ONE.replace("{", '{"__metadata__":1,')), "E_META"],
  ["ST15 metadata null", text(ONE.replace("{", '{"__metadata__":null,')), "E_META"],
  ["ST15 metadata nested", text(ONE.replace("{", '{"__metadata__":{"a":{}},')), "E_META"],
  ["ST15 metadata with a number", text(ONE.replace("{", '{"__metadata__":{"a":1},')), "E_META"],
  [
    "ST15 metadata of 50 MB",
    () => text(ONE.replace("{", `{"__metadata__":{"a":"${"x".repeat(50_000_000)}"},`)),
    "E_LIMIT",
  ],
  ["ST16 dtype F128", text(one("[2]", "[0,8]", '"F128"')), "E_DTYPE"],
  ["ST16 dtype f32", text(one("[2]", "[0,8]", '"f32"')), "E_DTYPE"],
  ["ST16 dtype F4, odd count", text(one("[3]", "[0,8]", '"F4"')), "E_DTYPE"],
  ["ST16 dtype 1", text(one("[2]", "[0,8]", "1")), "E_DTYPE"],
  ["ST16 unknown member", text(ONE.replace('"shape"', '"x":1,"shape"')), "E_FIELD"],
  ["ST16 missing member", text('{"a":{"dtype":"F32","shape":[2]}}'), "E_FIELD"],
  ["ST16 entry a number", text('{"a":1}'), "E_FIELD"],
  ["ST17 10^6 brackets in an entry", () => text(`{"a":{"dtype":${"[".repeat(1_000_000)}`), "E_DEPTH"],
  ["ST17 10^6 objects in an entry", () => text(`{"a":{"dtype":${'{"a":'.repeat(200_000)}`), "E_DEPTH"],
  ["ST17 10^6 brackets", () => text("[".repeat(1_000_000)), "E_DEPTH"],
  ["ST17 lone surrogate in a name", text(ONE.replace("a", "\\ud800")), "E_UTF8"],
  ["ST20 a pickle", concat([0x80, 2], "}q\x00(X\x05\x00\x00\x00hello", new Uint8Array(64)), "E_MAGIC"],
  ["ST20 a ggjt file", concat("tjgg", [3, 0, 0, 0], new Uint8Array(64)), "E_MAGIC"],
  ["ST20 a zip file", concat("PK\x03\x04", [20, 0, 0, 0, 0, 0], new Uint8Array(64)), "E_MAGIC"],
  ["ST20 a GGUF file", concat("GGUF", [3, 0, 0, 0], new Uint8Array(64)), "E_MAGIC"],
];

function sameSpan(n: number): Uint8Array {
  return text(`{${Array.from({ length: n }, (_, i) => entry(`tensor.${i}`, "[0,8]")).join(",")}}`);
}

describe("safetensors that are refused", () => {
  it.each(REJECTED)("%s", async (_, input, code) => {
    const bytes = typeof input === "function" ? input() : input;
    await expectRejected(() => open(memorySource(bytes, "bad.safetensors")), code);
  });

  it("ST02 reads nothing beyond the first eight bytes for a header that is too long", async () => {
    let bytesRead = 0;
    const source: ByteSource = {
      name: "huge",
      byteLength: 2 ** 50,
      async read(_, target) {
        bytesRead += target.byteLength;
        target.set(u64(SAFETENSORS_HEADER_BYTES + 1));
      },
    };
    await expectRejected(() => openSafetensors(source), "E_LENGTH");
    expect(bytesRead).toBe(8);
  });
});

describe("safetensors that must open", () => {
  const accepted: readonly (readonly [row: string, header: string, names: readonly string[]])[] = [
    ["ST05 trailing spaces", `${ONE} \t\r\n`, ["a"]],
    ["ST05 leading white space", ` \n${ONE}`, ["a"]],
    ["ST05 header length no multiple of 8", ONE, ["a"]],
    ["ST12 a tensor of no elements", `{${entry("a", "[0,8]")},${entry("z", "[8,8]", "[2,0]")}}`, ["a", "z"]],
    [
      "ST12 a tensor of no elements, listed after the one at its place",
      `{${entry("b", "[0,8]")},${entry("a", "[0,0]", "[0]")}}`,
      ["b", "a"],
    ],
    ["ST12 a tensor of rank 0", one("[]", "[0,8]", '"F64"'), ["a"]],
    [
      "ST14 __proto__ and constructor",
      `{${entry("__proto__", "[0,4]", "[1]")},${entry("constructor", "[4,8]", "[1]")}}`,
      ["__proto__", "constructor"],
    ],
    [
      "ST14 numbers as names keep their order",
      `{${entry("10", "[4,8]", "[1]")},${entry("2", "[0,4]", "[1]")}}`,
      ["10", "2"],
    ],
    ["ST14 white space everywhere", ONE.replaceAll(/([{}:,[\]])/g, " $1\n"), ["a"]],
  ];

  it.each(accepted)("%s", async (_, header, names) => {
    const file = await open(memorySource(text(header)));
    expect([...file.names()]).toEqual(names);
    expect("dtype" in {}).toBe(false);
  });

  it("ST12 NaN and infinity are data like any other", async () => {
    const data = new Uint8Array(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY).buffer);
    const file = await open(memorySource(text(ONE, data)));
    expect(await readAll(file.tensor("a")!)).toEqual(data);
  });

  it("ST12 a BF16 tensor of more than 4 GiB is read beyond 2^32", async () => {
    const nElements = 5 * 2 ** 29;
    const header = text(one(`[${nElements}]`, `[0,${2 * nElements}]`, '"BF16"'), new Uint8Array(0));
    const source: ByteSource = {
      name: "sparse",
      byteLength: header.length + 2 * nElements,
      async read(offset, target) {
        // byte k of the data is k mod 251
        for (let i = 0; i < target.length; i++) {
          const at = offset + i;
          target[i] = at < header.length ? header[at]! : (at - header.length) % 251;
        }
      },
    };
    const tensor = (await openSafetensors(source)).tensor("a")!;
    const piece = new Uint8Array(4);
    await tensor.read(2 ** 32 + 7, piece);
    expect([...piece]).toEqual([0, 1, 2, 3].map((i) => (2 ** 32 + 7 + i) % 251));
  });
});

describe("index files", () => {
  const shards = { "model-00001-of-00002.safetensors": 0, "model-00002-of-00002.safetensors": 1 } as const;
  const all = hfTensors(metaTensors());

  function halves(): Record<string, Uint8Array> {
    const entries = [...all];
    const half = (i: number) => new Map(i === 0 ? entries.slice(0, 10) : entries.slice(10));
    return Object.fromEntries(Object.entries(shards).map(([name, i]) => [name, safetensorsFile(half(i))]));
  }

  function weightMap(): Record<string, string> {
    const [first, second] = Object.keys(shards);
    return Object.fromEntries([...all.keys()].map((name, i) => [name, (i < 10 ? first : second) as string]));
  }

  function model(index: unknown, files: Record<string, Uint8Array> = halves()): string {
    return directoryWith({
      ...files,
      "config.json": CONFIG_JSON,
      "model.safetensors.index.json": JSON.stringify(index),
    });
  }

  it("opens a model by its index", async () => {
    const totalBytes = [...all.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (const metadata of [undefined, {}, { total_size: totalBytes }]) {
      const checkpoint = await openCheckpoint(model({ metadata, weight_map: weightMap() }));
      expect(checkpoint.files).toHaveLength(2);
      expect(checkpoint.tensors).toHaveLength(21);
      expect(checkpoint.warnings).toEqual([]);
      await checkpoint.close();
    }
  });

  const paths = ["../../etc/passwd", "/abs", "http://x", "a\0b", "..", ".", "", "a/b", "a\\b", "C:x"];
  it.each(paths)("ST18 %j as a file name", async (name) => {
    await expectRejected(() => openCheckpoint(model({ weight_map: { ...weightMap(), x: name } })), "E_PATH");
  });

  it("ST18 a link out of the directory", async () => {
    const outside = directoryWith(halves());
    const directory = model({ weight_map: { ...weightMap(), x: "out.safetensors" } });
    symlinkSync(join(outside, "model-00001-of-00002.safetensors"), join(directory, "out.safetensors"));
    await expectRejected(() => openCheckpoint(directory), "E_PATH");
  });

  it("ST18 + links into the blobs folder of a hub cache", async () => {
    const root = directoryWith({
      "snapshots/main/config.json": CONFIG_JSON,
      "snapshots/main/model.safetensors.index.json": JSON.stringify({ weight_map: weightMap() }),
      ...Object.fromEntries(Object.entries(halves()).map(([name, bytes]) => [`blobs/${name}`, bytes])),
    });
    for (const name of Object.keys(shards)) symlinkSync(join("../../blobs", name), join(root, "snapshots/main", name));
    const checkpoint = await openCheckpoint(join(root, "snapshots/main"));
    expect(checkpoint.tensors).toHaveLength(21);
    await checkpoint.close();
  });

  it("ST19 a file is absent", async () => {
    const { "model-00001-of-00002.safetensors": first } = halves();
    const directory = model({ weight_map: weightMap() }, { "model-00001-of-00002.safetensors": first! });
    await expectRejected(() => openCheckpoint(directory), "E_SHARD");
  });

  it("ST19 a file is absent and there is no index", async () => {
    const { "model-00001-of-00002.safetensors": first } = halves();
    const directory = directoryWith({ "model-00001-of-00002.safetensors": first!, "config.json": CONFIG_JSON });
    await expectRejected(() => openCheckpoint(directory), "E_SHARD");
  });

  it("ST19 a tensor is not in its file", async () => {
    const map = { ...weightMap(), "lm_head.weight": "model-00002-of-00002.safetensors" };
    await expectRejected(() => openCheckpoint(model({ weight_map: map })), "E_SHARD");
  });

  it("ST19 a tensor is in two files", async () => {
    const files = { ...halves(), "model-00002-of-00002.safetensors": safetensorsFile(new Map([...all].slice(2))) };
    await expectRejected(() => openCheckpoint(model({ weight_map: weightMap() }, files)), "E_SHARD");
  });

  it("ST19 10 001 files", async () => {
    const map = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `f${i}.safetensors`]));
    await expectRejected(() => openCheckpoint(model({ weight_map: map })), "E_SHARD");
  });

  it("ST19 an index that names no files", async () => {
    await expectRejected(() => openCheckpoint(model({ weight_map: ["model-00001-of-00002.safetensors"] })), "E_FIELD");
    await expectRejected(() => openCheckpoint(model({ weight_map: { ...weightMap(), x: null } })), "E_PATH");
    await expectRejected(() => openCheckpoint(model({ metadata: {}, other: 1 })), "E_SHARD");
  });

  it("ST19 + what the index says beside files is skipped unread", async () => {
    const metadata = { total_size: "5", other: [{}] };
    for (const index of [{ metadata }, { metadata: "text" }, { format: { pt: true } }]) {
      const checkpoint = await openCheckpoint(model({ ...index, weight_map: weightMap() }));
      expect(checkpoint.warnings).toEqual([]);
      await checkpoint.close();
    }
  });

  it("ST19 no files", async () => {
    await expectRejected(() => openCheckpoint(model({ weight_map: {} })), "E_SHARD");
  });

  it("ST19 + a wrong total_size is a warning", async () => {
    const checkpoint = await openCheckpoint(model({ metadata: { total_size: 1 }, weight_map: weightMap() }));
    expect(checkpoint.warnings.map((warning) => warning.code)).toEqual(["total-size"]);
    await checkpoint.close();
  });
});
