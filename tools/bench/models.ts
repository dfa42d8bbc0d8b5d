// The models of the bench, made once and kept out of git: synthetic weights in ggjt and, byte for byte the same, in GGUF; and
// an f16 file to be quantised. Delete the folder to have them made again.

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encodeF16 } from "@ll/bytes";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import { type ConvertInput, contentsOfGgml, convertCheckpoint, convertedBytes, type ModelContents } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { ggmlVocab, readSentencePieceModel, type VocabEntry } from "@ll/tokenizer";
import { GGUF_SHAPES, writeSyntheticGguf } from "./synthetic-gguf.ts";

const ROOT = join(import.meta.dirname, "..", "..");
export const CACHE = join(ROOT, ".cache", "bench");
/** Of make-synthetic-model.ts. */
const GGJT_SHAPES: readonly string[] = ["small", "1.1b", "7b", "13b"];
const TEST_DATA = process.env["LL_TEST_DATA"] ?? "";

/** The tokenizer of LLaMA, if there is one: without it, models cut texts into bytes. */
const VOCAB_PATH = join(TEST_DATA, "vocab", "llama-tokenizer.model");

/** A text to tokenise: WikiText-2, or the project's own words. */
const TEXT_PATHS = [join(TEST_DATA, "text", "wiki.test.raw"), join(ROOT, "fixtures", "tiny", "TRAINING.md")];

/** Files of the same weights. */
export interface BenchModel {
  /** Undefined for what a ggjt file cannot be. */
  readonly ggjt: string | undefined;
  readonly gguf: string;
  readonly nVocab: number;
  readonly nKvHeads: number;
}

export function textPath(): string {
  return TEXT_PATHS.find((path) => existsSync(path)) as string;
}

/** The tokenizer of LLaMA, or the tiny one of the project. */
export function vocabPath(): string {
  return existsSync(VOCAB_PATH) ? VOCAB_PATH : join(ROOT, "fixtures", "tiny", "meta", "tokenizer.model");
}

/** By name; those of the kinds of tokenizers that are there. */
export function vocabPaths(): ReadonlyMap<string, string> {
  const json = (name: string): string => join(TEST_DATA, "vocab", `${name}.json.gz`);
  const paths = [
    ["LLaMA", vocabPath()],
    ["Llama 3", json("llama3-tokenizer")],
    ["Qwen 3", json("qwen3-tokenizer")],
    ["tekken", json("tekken")],
  ] as const;
  return new Map(paths.filter(([, path]) => existsSync(path)));
}

export type GgjtModel = BenchModel & { readonly ggjt: string };

/** Makes the model of a name such as `1.1b Q4_0`, unless it is there: a shape of make-synthetic-model.ts or synthetic-gguf.ts. */
export async function benchModel(name: string): Promise<BenchModel> {
  const [shape = "", type = "Q4_0"] = name.split(" ");
  if (type === "Q4_0" && GGJT_SHAPES.includes(shape)) return ggjtModel(shape);
  const gguf = join(CACHE, `${shape}-${type}.gguf`);
  const known = GGUF_SHAPES.get(shape);
  if (known === undefined) throw new Error(`no shape ${shape}: ${[...GGUF_SHAPES.keys()].join(", ")}`);
  if (!existsSync(gguf)) {
    mkdirSync(CACHE, { recursive: true });
    await writeSyntheticGguf(known, { type }, gguf);
  }
  return { ggjt: undefined, gguf, nVocab: Number(known.keys["vocab_size"]), nKvHeads: 0 };
}

/** A model of make-synthetic-model.ts, as ggjt too. */
export async function ggjtModel(shape: string): Promise<GgjtModel> {
  const vocabularyOfLlama = vocabulary();
  // not one for the other: a peer tokenises text for hours with made-up pieces
  const name = vocabularyOfLlama === undefined ? `${shape}-made-up-pieces` : shape;
  const raw = join(CACHE, `${name}-raw.bin`);
  const ggjt = join(CACHE, `${name}-q4_0.bin`);
  const gguf = join(CACHE, `${name}-q4_0.gguf`);
  if (!existsSync(ggjt) || !existsSync(gguf)) {
    mkdirSync(CACHE, { recursive: true });
    const maker = join(ROOT, "tools", "make-synthetic-model.ts");
    const { status } = spawnSync(process.execPath, ["--conditions=@ll/source", maker, shape, raw], {
      stdio: "inherit",
    });
    if (status !== 0) throw new Error(`${maker} failed`);
    await withContents(raw, async (contents) => {
      const vocab = vocabularyOfLlama ?? contents.vocab;
      await write({ ...contents, vocab, outType: "stored", container: 3 }, ggjt);
      await write({ ...contents, vocab, outType: "stored", container: "gguf" }, gguf);
    });
    rmSync(raw);
  }
  return withContents(ggjt, async ({ params: { nVocab, nKvHeads } }) => ({
    ggjt,
    gguf,
    nVocab,
    nKvHeads: nKvHeads ?? 0,
  }));
}

/** A model of a shape with f16 weights that are noise, for the quantiser: 0.4 GB of "small", 2.2 GB of "1.1b". */
export async function f16Model(shape: string): Promise<string> {
  const path = join(CACHE, `${shape}-f16.bin`);
  if (existsSync(path)) return path;
  const { ggjt } = await ggjtModel(shape);
  await withContents(ggjt, async (contents) => {
    const bits = noise();
    const tensors = contents.tensors.map(({ name, shape, type }) => ({
      name,
      shape,
      type: type === "f32" ? "f32" : "f16",
      byteLength: shape.reduce((product, size) => product * size, type === "f32" ? 4 : 2),
      // tensors begin at other places of the noise; f32 vectors take its bytes as they are
      async read(offset: number, target: Uint8Array): Promise<void> {
        for (let done = 0; done < target.length; ) {
          const start = (offset + done + 4 * name.length * 64) % bits.length;
          const part = bits.subarray(start, start + target.length - done);
          target.set(part, done);
          done += part.length;
        }
      },
    }));
    await write({ ...contents, tensors, outType: "stored", container: 3 }, path);
  });
  return path;
}

/** Reads a file once, so that the first to load it has no disadvantage. */
export function warmPageCache(path: string): void {
  const fd = openSync(path, "r");
  const buffer = new Uint8Array(4 * 1024 * 1024);
  while (readSync(fd, buffer) > 0);
  closeSync(fd);
}

async function withContents<T>(path: string, work: (contents: ModelContents) => Promise<T>): Promise<T> {
  const source = await openFileSource(path);
  try {
    return await work(contentsOfGgml(await openGgml(source)));
  } finally {
    await source.close();
  }
}

async function write(input: ConvertInput, path: string): Promise<void> {
  const out = await createOutFile(path, { inputs: [], expectedBytes: convertedBytes(input) });
  try {
    await convertCheckpoint(input, out);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
}

function vocabulary(): VocabEntry[] | undefined {
  return existsSync(VOCAB_PATH) ? ggmlVocab(readSentencePieceModel(readFileSync(VOCAB_PATH))) : undefined;
}

/** 2 MiB of bell-shaped binary16 numbers of the size that weights have. */
function noise(): Uint8Array {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const values = Float32Array.from({ length: 2 ** 20 }, () => 0.03 * (next() + next() + next()));
  const bits = new Uint16Array(values.length);
  encodeF16(values, bits);
  return new Uint8Array(bits.buffer);
}
