// Adapters as PEFT saves them: adapter_config.json, and adapter_model.safetensors or .bin beside it. What convert-lora-to-ggml.py
// of llama.cpp build 803 refuses is refused, and so is what came later and would give other numbers.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LLAMA_NAMES } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { openStoredTensors, type StoredTensors } from "@ll/checkpoint/node";
import * as v from "valibot";
import { Refusal } from "../errors.ts";

/** Bytes of adapter_config.json, which is read whole. Real ones have some hundred. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** The two matrices of one adapted matrix, in the layout of PyTorch. */
export interface PeftPair {
  /** Name of the matrix in ggml files: `layers.0.attention.wq.weight`. */
  readonly target: string;
  readonly a: SourceTensor; // (rank, columns)
  readonly b: SourceTensor; // (rows, rank)
}

export interface PeftAdapter {
  readonly r: number;
  readonly alpha: number;
  readonly pairs: readonly PeftPair[];
  /** Its files, configuration first. */
  readonly files: readonly string[];
  /** Makes sure that the files are what they seemed to be, and closes them. */
  readonly stored: Pick<StoredTensors, "verify" | "close">;
}

/** @throws Refusal for an adapter that ggla cannot express; CheckpointError; IoError */
export async function openPeftAdapter(directory: string): Promise<PeftAdapter> {
  const configPath = join(directory, "adapter_config.json");
  const { r, alpha } = await readConfig(configPath);
  const modelPath = await findModel(directory);
  const stored = await openStoredTensors(modelPath, { single: true });
  try {
    const pairs = pairUp(stored.storedTensors, r);
    return { r, alpha, pairs, files: [configPath, modelPath], stored };
  } catch (error) {
    await stored.close();
    throw error;
  }
}

async function findModel(directory: string): Promise<string> {
  const paths = ["adapter_model.safetensors", "adapter_model.bin"].map((name) => join(directory, name));
  for (const path of paths) if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  throw new Refusal(`Can't find adapter_model.safetensors or adapter_model.bin in ${directory}`);
}

const NONE = v.nullish(v.literal(false, "is not supported"));
const EMPTY_OBJECT = v.nullish(
  v.pipe(
    v.looseObject({}),
    v.check((o) => Object.keys(o).length === 0, "is not supported"),
  ),
);

/** Members that change the numbers; what PEFT writes besides does not. */
const CONFIG = v.looseObject({
  peft_type: v.literal("LORA", (issue) => `unsupported adapter type ${issue.received}, expected LORA`),
  r: v.pipe(v.number(), v.integer(), v.minValue(1)),
  lora_alpha: v.pipe(v.number(), v.integer("expected a whole number")),
  fan_in_fan_out: NONE,
  bias: v.nullish(v.literal("none", "is not supported")),
  modules_to_save: v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(0, "is not supported"))),
  use_rslora: NONE,
  use_dora: NONE,
  rank_pattern: EMPTY_OBJECT,
  alpha_pattern: EMPTY_OBJECT,
});

async function readConfig(path: string): Promise<{ r: number; alpha: number }> {
  const source = await openFileSource(path);
  try {
    if (source.byteLength > MAX_CONFIG_BYTES) throw new Refusal(`${path} has more than ${MAX_CONFIG_BYTES} bytes`);
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    const result = v.safeParse(CONFIG, parseJson(path, bytes));
    if (result.success) return { r: result.output.r, alpha: result.output.lora_alpha };
    const [issue] = result.issues;
    throw new Refusal(`Error: param ${v.getDotPath(issue) ?? "adapter_config.json"} ${issue.message}`);
  } finally {
    await source.close();
  }
}

function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal(`${path} is not JSON`);
  }
}

/** Hugging Face's names of what can be adapted → ggml's. */
const SUBLAYERS: ReadonlyMap<string | undefined, string | undefined> = new Map(
  LLAMA_NAMES.filter(({ inLayers }) => inLayers).map(({ hf, meta }) => [hf, meta]),
);

const KEY = /(?:^|\.)layers\.(\d{1,4})\.([a-z_.]{1,64})\.lora_([AB])(?:\.default)?\.weight$/;

/** Left over from the training of some adapters, and no part of them. */
const SKIPPED_KEYS: ReadonlySet<string> = new Set(["llama_proj.weight", "llama_proj.bias"]);

function pairUp(tensors: ReadonlyMap<string, SourceTensor>, r: number): PeftPair[] {
  const halves = new Map<string, { A?: SourceTensor; B?: SourceTensor }>(); // by target
  for (const [key, tensor] of tensors) {
    if (SKIPPED_KEYS.has(key)) continue;
    const [, layer, sublayer = "", half] = KEY.exec(key) ?? [];
    const name = SUBLAYERS.get(sublayer);
    if (name === undefined) throw new Refusal(`Error: unrecognized tensor name ${key}`);
    const target = `layers.${Number(layer)}.${name}.weight`;
    const pair = halves.get(target) ?? {};
    if (pair[half as "A" | "B"] !== undefined) throw new Refusal(`two tensors are lora_${half} of ${target}: ${key}`);
    pair[half as "A" | "B"] = tensor;
    halves.set(target, pair);
  }
  if (halves.size === 0) throw new Refusal("the adapter has no tensors");
  return Array.from(halves, ([target, { A: a, B: b }]) => {
    if (a === undefined || b === undefined) throw new Refusal(`half of the pair for ${target} is missing`);
    for (const [shape, axis] of [
      [a.shape, 0],
      [b.shape, 1],
    ] as const) {
      // PEFT scales every pair by its own rank, ggla all of them by one
      if (shape.length === 2 && shape[axis] === r) continue;
      throw new Refusal(
        `${target}: expected matrices of rank ${r}, got ${a.shape.join(" x ")} and ${b.shape.join(" x ")}`,
      );
    }
    return { target, a, b };
  });
}
