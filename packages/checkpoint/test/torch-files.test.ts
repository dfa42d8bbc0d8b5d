// Files that torch itself made (fixtures/torch/make.py): every kind of tensor, pickle protocol and archive it writes today.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { asType } from "../src/cast.ts";
import { openStoredTensors } from "../src/open-checkpoint.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { dict, str } from "./support/pickle-writer.ts";
import { torchFile } from "./support/torch-writer.ts";

const FOLDER = join(import.meta.dirname, "fixtures", "torch");

interface Expected {
  readonly type: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const EXPECTED = JSON.parse(readFileSync(join(FOLDER, "expected.json"), "utf8")) as Record<
  string,
  Record<string, Expected>
>;

const TYPES = new Map([
  ["float32", "f32"],
  ["float16", "f16"],
  ["bfloat16", "bf16"],
  ["int64", "i64"],
  ["int32", "i32"],
  ["bool", "bool"],
]);

async function valuesOf(tensor: SourceTensor): Promise<number[]> {
  if (tensor.type === "bool") return [...(await readAll(tensor))];
  if (tensor.type === "i64") return Array.from(new BigInt64Array((await readAll(tensor)).buffer), Number);
  return [...new Float32Array((await readAll(asType(tensor, "f32"), 3)).buffer)];
}

describe("state dicts of programs of training", () => {
  const weight = { type: "f32", shape: [2], bytes: new Uint8Array(8) };
  const named = (...names: string[]) => new Map(names.map((name) => [name, weight]));
  const checkpoint = (name: string) => (stateDict: Uint8Array) =>
    dict([
      ["epoch", str("3")],
      [name, stateDict],
    ]);
  const namesOf = async (bytes: Uint8Array): Promise<string[]> => {
    const stored = await openStoredTensors(join(directoryWith({ "m.pth": bytes }), "m.pth"), { single: true });
    await stored.close();
    return [...stored.storedTensors.keys()];
  };

  it.each(["state_dict", "model_state_dict", "model", "module"])("in a checkpoint under %s", async (name) => {
    expect(await namesOf(torchFile(named("a", "b.weight"), "archive", checkpoint(name)))).toEqual(["a", "b.weight"]);
  });

  it("with what wraps a model in front of all names", async () => {
    expect(await namesOf(torchFile(named("module.a", "module.b")))).toEqual(["a", "b"]);
    expect(await namesOf(torchFile(named("_orig_mod.module.a", "_orig_mod.module.b")))).toEqual(["a", "b"]);
    const both = torchFile(named("module.a"), "archive", checkpoint("state_dict"));
    expect(await namesOf(both)).toEqual(["a"]);
  });

  it("names that are like it stay as they are", async () => {
    expect(await namesOf(torchFile(named("module.a", "b")))).toEqual(["module.a", "b"]);
    expect(await namesOf(torchFile(named("module.", "module.b")))).toEqual(["module.", "module.b"]);
    expect(await namesOf(torchFile(named("a"), "archive", checkpoint("other")))).toEqual([]);
  });
});

describe("files made by torch", () => {
  const files = ["plain", "ordered", "module", "parameter", "attribute"].map((name) => [name, name] as const);
  const variants = ["protocol-3", "protocol-4", "no-checksums", "aligned-256"].map((name) => [name, "plain"] as const);

  it.each([...files, ...variants])("%s.pth", async (file, content) => {
    const stored = await openStoredTensors(join(FOLDER, `${file}.pth`), { single: true });
    const expected = EXPECTED[content]!;
    expect([...stored.storedTensors.keys()]).toEqual(Object.keys(expected));
    for (const [name, { type, shape, values }] of Object.entries(expected)) {
      const tensor = stored.storedTensors.get(name)!;
      expect(tensor).toMatchObject({ type: TYPES.get(type), shape });
      expect(await valuesOf(tensor), name).toEqual(values);
    }
    await stored.verify();
    await stored.close();
  });

  it.each([
    ["before-1.6", "E_UNSUPPORTED"],
    ["script", "E_UNSUPPORTED"],
    ["protocol-5", "E_PICKLE_PROTO"],
  ])("%s.pth is refused", async (file, code) => {
    await expectRejected(() => openStoredTensors(join(FOLDER, `${file}.pth`), { single: true }), code);
  });
});
