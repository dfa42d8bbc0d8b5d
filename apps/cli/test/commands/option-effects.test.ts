// Every argument and option of ll-quantize and ll-convert: a command line that would come out otherwise if it were ignored.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../../tools/test-data.ts";
import { VERBS } from "../../src/verbs.ts";
import { llamaPairs, writeGguf, writeImportance } from "../gguf-model.ts";
import { writeGgjt, writeHf } from "../models.ts";
import { captured, runOn, slowClock, temporaryDirectory } from "../programs.ts";

interface Effect {
  /** First of its names, or the word that help has for an argument. */
  readonly option: string;
  /** Command line without it. A word that begins with `@` is a file of the test's directory. */
  readonly without: string;
  readonly withIt: string;
  /** What is seen with it and not without: in what is printed, or in the list of files and their hashes behind that. */
  readonly sees: RegExp | "files differ";
  /** Standard error is a terminal, and every look at the clock is some seconds after the last one. */
  readonly isSlow?: true;
}

/** An option in front of a command line; files have other hashes, if nothing else is said. */
function prepended(option: string, value: string, without: string, sees: Effect["sees"] = "files differ"): Effect {
  return { option, without, withIt: `${option} ${value} ${without}`.replace("  ", " "), sees };
}

const STACK = /\n {4}at /;

const QUANTIZE: readonly Effect[] = [
  { option: "IN", without: "@in.bin @out q4_0", withIt: "@other.bin @out q4_0", sees: /loading model from @other.bin/ },
  { option: "OUT", without: "@in.bin q4_0", withIt: "@in.bin @out q4_0", sees: /\n@out: / },
  { option: "TYPE", without: "@in.bin @out q4_0", withIt: "@in.bin @out q8_0", sees: "files differ" },
  { option: "NTHREADS", without: "@in.bin q4_0", withIt: "@in.bin q4_0 2", sees: /as Q4_0 using 2 threads\n/ },
  prepended("--allow-requantize", "", "@q4_0.bin @out q8_0", /\n@out: /),
  prepended("--allow-nonfinite", "", "@nan.bin @out q4_0", /\n@out: /),
  prepended("--leave-output-tensor", "", "@in.bin @out q4_0"),
  prepended("--no-clobber", "", "@in.bin @old q4_0", /@old exists/),
  { option: "--no-progress", withIt: "@in.bin @out q4_0", without: "--no-progress @in.bin @out q4_0", ...progress() },
  prepended("--quiet", "", "@in.bin @out q4_0", /^@out\n\n@/),
  prepended("--json", "", "@in.bin @out q4_0", /^{\n {2}"version": 1,/),
  prepended("--pure", "", "@in.gguf @out q4_k_m"),
  prepended("--output-tensor-type", "q8_0", "@in.gguf @out q4_k_m"),
  prepended("--token-embedding-type", "q8_0", "@in.gguf @out q4_k_m"),
  prepended("--tensor-type", "attn_(v|k)=q8_0", "@in.gguf @out q4_k_m"),
  prepended("--tensor-type-file", "@rules", "@in.gguf @out q4_k_m"),
  prepended("--imatrix", "@imatrix", "@in.gguf @out q4_k_m"),
  prepended("--include-weights", "ffn", "--imatrix @imatrix @in.gguf @out q4_k_m"),
  prepended("--exclude-weights", "attn", "--imatrix @imatrix @in.gguf @out q4_k_m"),
  prepended("--override-kv", "general.name=str:other", "@in.gguf @out q4_k_m"),
  prepended("--prune-layers", "0", "@in.gguf @out q4_k_m"),
  prepended("--keep-split", "", "@set-00001-of-00002.gguf @new q4_k_m", /\n@new-00002-of-00002\.gguf: /),
  { option: "--dry-run", without: "--dry-run @in.gguf @out q4_k_m", withIt: "@in.gguf @out q4_k_m", sees: /\n@out: / },
  prepended("--verbose", "", "@absent @out q4_0", STACK),
  prepended("--completion", "bash", "", /^complete .* ll-quantize /m),
  prepended("--version", "", "", /^ll-quantize \d/),
  prepended("--help", "", "", /^Examples:/),
];

const GGUF = "@m --container gguf --outfile @out";

const CONVERT: readonly Effect[] = [
  { option: "MODEL", without: "@m", withIt: "@bf16", sees: /Loading model file @bf16/ },
  prepended("--outtype", "f32", "@m --outfile @out"),
  prepended("--outfile", "@out", "@m", /^@out\n/),
  prepended("--container", "ggjt-v1", "@m --outfile @out"),
  prepended("--vocab-dir", "@vocab", "@m", /Loading vocab file @vocab/),
  prepended("--lora", "@vocab", "@m", /adapter_config\.json/),
  prepended("--rms-norm-eps", "0.5", GGUF),
  prepended("--rope-freq-base", "5000", GGUF),
  prepended("--rope-freq-scale", "0.5", GGUF),
  prepended("--context-length", "77", GGUF),
  prepended("--vocab-only", "", "@m --outfile @out"),
  prepended("--dump", "", "@m", /^model_plus\.paths = /),
  prepended("--dump-single", "", "@m/model.safetensors", /^model_plus\.paths = /),
  prepended("--allow-nonfinite", "", "@large --outtype f16 --outfile @out", /\n@out: /),
  prepended("--no-clobber", "", "@m --outfile @old", /@old exists/),
  { option: "--no-progress", withIt: "@m --outfile @out", without: "--no-progress @m --outfile @out", ...progress() },
  prepended("--quiet", "", "@m --outfile @out", /^@out\n\n@/),
  prepended("--json", "", "@m --outfile @out", /^{\n {2}"version": 1,/),
  prepended("--verbose", "", "@absent", STACK),
  prepended("--completion", "bash", "", /^complete .* ll-convert /m),
  prepended("--version", "", "", /^ll-convert \d/),
  prepended("--help", "", "", /^Examples:/),
];

/** Seen without the option that is to be heeded: such an effect has its two command lines the other way round. */
function progress(): Pick<Effect, "sees" | "isSlow"> {
  return { sees: / {2}ETA \d/, isSlow: true };
}

/** A fresh directory with models to work on. */
async function directoryOfModels(): Promise<string> {
  const directory = await temporaryDirectory();
  const at = (name: string): string => join(directory, name);
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const bytes = new Uint8Array(values.buffer);
  const names = ["a.weight", "b.weight", "output.weight"];
  const tensors = names.map((name) => ({ name, shape: [2, 32], bytes }));
  await writeGgjt(at("in.bin"), tensors);
  await writeGgjt(at("other.bin"), tensors);
  const nan = new Uint8Array(values.map((value, i) => (i === 5 ? Number.NaN : value)).buffer);
  await writeGgjt(at("nan.bin"), [{ name: "a.weight", shape: [2, 32], bytes: nan }]);
  await writeGgjt(at("q4_0.bin"), [{ name: "a.weight", shape: [2, 32], type: "q4_0" }], { ftype: 2 });
  const layers = ["token_embd", "output", "blk.0.attn_v", "blk.1.attn_v", "blk.1.attn_q"];
  const matrices = layers.map((name, i) => ({ name: `${name}.weight`, shape: [2 + i, 256] }));
  await writeGguf(at("in.gguf"), matrices, llamaPairs(2));
  await writeGguf(at("set-00001-of-00002.gguf"), matrices.slice(0, 2), llamaPairs(2), [0, 2, 5]);
  await writeGguf(at("set-00002-of-00002.gguf"), matrices.slice(2), {}, [1, 2, 5]);
  await writeImportance(at("imatrix"), "blk.0.attn_v.weight", 256);
  await writeFile(at("rules"), "attn_v=q8_0\n output=q5_0\n");
  await writeHf(at("m"));
  await writeHf(at("bf16"), { type: "BF16" });
  await writeHf(at("large"), { type: "BF16" });
  await makeLarge(at("large/model.safetensors"));
  await mkdir(at("vocab"));
  await writeFile(at("vocab/tokenizer.model"), readFileSync(fixture("tiny/hf/tokenizer.model")));
  await writeFile(at("old"), "old");
  return directory;
}

/** Makes the first weight of a bf16 file 2^127, which f16 cannot hold. */
async function makeLarge(path: string): Promise<void> {
  const bytes = readFileSync(path);
  bytes.set([0x00, 0x7f], 8 + Number(bytes.readBigUInt64LE(0)));
  await writeFile(path, bytes);
}

/** What is printed, then `name: hash` of every file, with `@` for the directory. */
async function outcomeOf(
  bin: string,
  commandLine: string,
  isSlow = false,
): Promise<{ printed: string; files: string }> {
  const directory = await directoryOfModels();
  const words = commandLine.split(" ").filter((word) => word !== "");
  const argv = words.map((word) => word.replace(/^@/, `${directory}/`));
  const [out, err] = [captured(), captured(isSlow)];
  await runOn(bin, argv, { out, err, env: {}, ...(isSlow ? { now: slowClock() } : {}) });
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const files = names
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => {
      const hash = createHash("sha256").update(readFileSync(join(directory, name)));
      return `\n@${name}: ${hash.digest("hex")}`;
    });
  return { printed: (out.text() + err.text()).replaceAll(`${directory}/`, "@"), files: files.join("") };
}

describe.each([
  ["ll-quantize", QUANTIZE],
  ["ll-convert", CONVERT],
] as const)("%s: an argument or an option changes what comes out", (bin, effects) => {
  test.each(effects.map((effect) => [effect.option, effect] as const))("%s", async (_option, effect) => {
    const { without, withIt, sees, isSlow } = effect;
    const [before, after] = [await outcomeOf(bin, without, isSlow), await outcomeOf(bin, withIt, isSlow)];
    if (sees === "files differ") {
      expect(after.files).not.toBe(before.files);
      return;
    }
    expect(after.printed + after.files).toMatch(sees);
    expect(before.printed + before.files).not.toMatch(sees);
  });

  test("all options are among them", async () => {
    const options = await VERBS.get(bin.slice(3))?.options();
    const shown = effects.map(({ option }) => option).filter((option) => option.startsWith("-"));
    expect(new Set(shown)).toEqual(new Set(options?.map(({ names }) => names[0])));
  });
});
