// Metadata of the GGUF file that a Hugging Face directory becomes.

import { type HfConfig, HfKeys, type HfValue } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import type { HfModel } from "@ll/checkpoint";
import type { WritableValue } from "@ll/gguf";
import { product } from "./shapes.ts";

/** Texts as @ll/tokenizer has them, in two arrays. */
export interface PackedTexts {
  readonly bytes: Uint8Array; // (total)
  readonly starts: Uint32Array; // (nTexts + 1): a text is bytes[starts[i], starts[i + 1])
}

/** A vocabulary as GGUF has it; `ggufTokenizerOfHf` of @ll/tokenizer makes one. */
export interface HfVocabulary {
  readonly model: "llama" | "gpt2" | "gemma4";
  readonly pre: string | undefined;
  readonly tokens: PackedTexts;
  readonly scores: Float32Array | undefined;
  readonly types: Uint8Array; // (nTokens)
  readonly merges: PackedTexts | undefined;
  /** By the names in front of `_token_id`. */
  readonly ids: ReadonlyMap<string, number>;
  /** By the names between `add_` and `_token`. */
  readonly adds: ReadonlyMap<string, boolean>;
  readonly addSpacePrefix: boolean | undefined;
  /** By their names; "default" is that of the model. */
  readonly chatTemplates: ReadonlyMap<string, string>;
}

const QUANTIZATION_VERSION = 2;
const MAX_I32 = 2 ** 31 - 1;

export function hfMetadata(
  { architecture: { name: prefix }, family, config, generation }: HfModel,
  keys: ReadonlyMap<string, HfValue>,
  vocabulary: HfVocabulary,
  about: { readonly name: string; readonly tensors: readonly SourceTensor[]; readonly ftype: number },
): Map<string, WritableValue> {
  const tokenizer = new HfKeys();
  family.tokenizerKeys?.(config, tokenizer);
  return new Map<string, WritableValue>([
    ["general.architecture", { type: "string", value: prefix }],
    ["general.type", { type: "string", value: "model" }],
    ...samplingKeys(generation),
    ["general.name", { type: "string", value: about.name }],
    ["general.size_label", { type: "string", value: sizeLabel(about.tensors) }],
    ...[...keys].map(([key, value]): [string, WritableValue] => [`${prefix}.${key}`, value]),
    ["general.file_type", { type: "u32", value: about.ftype }],
    ["general.quantization_version", { type: "u32", value: QUANTIZATION_VERSION }],
    ...vocabularyKeys(vocabulary),
    ...[...tokenizer.values].map(([key, value]): [string, WritableValue] => [`tokenizer.ggml.${key}`, value]),
  ]);
}

/** What the makers of the model sample with. */
function samplingKeys(generation: HfConfig): [string, WritableValue][] {
  const found: [string, WritableValue][] = [];
  if (generation.has("top_k")) {
    const value = generation.count("top_k");
    if (value > MAX_I32) generation.refuse("top_k", `at most ${MAX_I32}`);
    found.push(["general.sampling.top_k", { type: "i32", value }]);
  }
  for (const [name, key] of [
    ["top_p", "top_p"],
    ["min_p", "min_p"],
    ["temperature", "temp"],
  ] as const) {
    if (!generation.has(name)) continue;
    const value = generation.float(name);
    if (!Number.isFinite(Math.fround(value))) generation.refuse(name, "a number of binary32");
    found.push([`general.sampling.${key}`, { type: "f32", value }]);
  }
  return found;
}

function vocabularyKeys(v: HfVocabulary): [string, WritableValue][] {
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const rows: (readonly [string, WritableValue | undefined])[] = [
    [key("model"), { type: "string", value: v.model }],
    [key("pre"), v.pre === undefined ? undefined : { type: "string", value: v.pre }],
    [key("tokens"), { type: "array", itemType: "string", items: viewsOf(v.tokens) }],
    [key("scores"), v.scores === undefined ? undefined : { type: "array", itemType: "f32", items: v.scores }],
    [key("token_type"), { type: "array", itemType: "i32", items: v.types }],
    [
      key("merges"),
      v.merges === undefined ? undefined : { type: "array", itemType: "string", items: viewsOf(v.merges) },
    ],
    ...[...v.ids].map(([name, value]) => [key(`${name}_token_id`), { type: "u32", value }] as const),
    ...[...v.adds].map(([name, value]) => [key(`add_${name}_token`), { type: "bool", value }] as const),
    ...templateKeys(v.chatTemplates),
    [key("add_space_prefix"), v.addSpacePrefix === undefined ? undefined : { type: "bool", value: v.addSpacePrefix }],
  ];
  return rows.filter((row): row is [string, WritableValue] => row[1] !== undefined);
}

function templateKeys(templates: ReadonlyMap<string, string>): (readonly [string, WritableValue])[] {
  const named = [...templates].filter(([name]) => name !== "default");
  const names = named.map(([name]) => name.replace(/[^A-Za-z0-9]/g, "_"));
  const own = templates.get("default");
  return [
    ...(own === undefined ? [] : [["tokenizer.chat_template", { type: "string", value: own }] as const]),
    ...(names.length === 0
      ? []
      : [["tokenizer.chat_templates", { type: "array", itemType: "string", items: names }] as const]),
    ...named.map(
      ([, value], i) => [`tokenizer.chat_template.${names[i] as string}`, { type: "string", value }] as const,
    ),
  ];
}

function viewsOf({ bytes, starts }: PackedTexts): Uint8Array[] {
  return Array.from({ length: starts.length - 1 }, (_, i) => bytes.subarray(starts[i], starts[i + 1]));
}

/** `8.0B`, `4x106K`: how many values there are, or how many experts, and values that a token meets if it meets one. */
function sizeLabel(tensors: readonly SourceTensor[]): string {
  const stacks = tensors.filter(({ name, shape }) => name.includes("_exps.") && shape.length === 3);
  const sum = (some: readonly SourceTensor[]): number => some.reduce((n, { shape }) => n + product(shape), 0);
  const [first] = stacks;
  if (first === undefined) return rounded(sum(tensors));
  const nExperts = first.shape[0] as number;
  return `${nExperts}x${rounded(sum(tensors) - sum(stacks) + sum(stacks) / nExperts)}`;
}

const UNITS = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
] as const;

function rounded(n: number): string {
  const [unit, letter] = UNITS.find(([size]) => n > size) ?? [1e3, "K"];
  const value = n / unit;
  const digits = String(Math.round(value)).replace(/^0$/, "").length;
  const scale = 10 ** Math.max(0, 2 - digits);
  const scaled = value * scale;
  const down = Math.floor(scaled);
  // half to even
  const whole = scaled - down === 0.5 ? down + (down % 2) : Math.round(scaled);
  return `${(whole / scale).toFixed(Math.max(0, 2 - digits))}${letter}`;
}

/** Name of a model whose directory has this one: `tiny-story` becomes `Tiny Story`. */
export function modelNameOf(directoryName: string): string {
  return directoryName
    .split("-")
    .map((word) => (/^[a-z]/.test(word) && !/[A-Z]|^v\d/.test(word) ? word[0]?.toUpperCase() + word.slice(1) : word))
    .join(" ");
}
