// A Hugging Face directory of any family: whose it is, what its configuration says, and its tensors under the names of the family.

import { ARCHITECTURES, type Architecture, type HfConfig, type HfFamily } from "@ll/architectures";
import { printable, type SourceTensor } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { scaledFp8 } from "./fp8.ts";
import { assertNeutralFields, hfMembers } from "./hf-members.ts";
import { isJsonObject, type JsonObject, type JsonTree } from "./json-tree.ts";
import type { CheckpointPart } from "./shards.ts";
import { renamed } from "./source-tensor.ts";
import { assertHarmless } from "./unread-tensors.ts";

/** What is in the files of a directory. */
export interface HfFiles {
  /** Name of config.json, for errors. */
  readonly configFile: string;
  readonly config: JsonObject;
  readonly generationConfig?: JsonObject | undefined;
  readonly parts: readonly CheckpointPart[];
}

export interface HfModel {
  readonly architecture: Architecture;
  readonly family: HfFamily;
  readonly config: HfConfig;
  /** Of generation_config.json. */
  readonly generation: HfConfig;
  /** `bos_token_id` and so on, by the names in front of `_token_id`, where they are one number. */
  readonly tokenIds: ReadonlyMap<string, number>;
  /** Ids that end an answer, if generation_config.json has any, or config.json a list of them. */
  readonly ends: readonly number[];
  /** In the order of the files, and of their names in each; numbers are plain. */
  readonly tensors: readonly SourceTensor[];
}

/** Encoders of pictures and sound, and what connects them: only the text model is converted. */
const OTHER_SENSES =
  /^(?:mlp|vit\.|merger\.|resampler\.)|visual\.|vision\.|vision_|audio\.|audio_|talker\.|projector\.|image_newline|patch_embed|patch_merger\.|model\.connector\./;

/** Tables that follow from the parameters. */
const CONSTANT = /\.attention\.masked_bias$|\.attention\.bias$|\.rotary_emb\.inv_freq$/;

/** What programs of training put in front of names, or between their parts. */
const WRAPPERS = /^(?:module\.|_orig_mod\.|base_model\.model\.)+|(?<=\.)_orig_mod\.|(?<=\.)base_layer\./g;

/** Whether a configuration is that of a Hugging Face directory: it names a class. */
export function namesClass(config: JsonObject): boolean {
  return Array.isArray(config.get("architectures"));
}

/** @throws CheckpointError `E_UNSUPPORTED` for a family or a kind of weights that is not read; `E_FIELD`, `E_UNKNOWN_TENSOR`, `E_SHARD`, … */
export async function openHfModel({ configFile, config, generationConfig, parts }: HfFiles): Promise<HfModel> {
  const { architecture, family, name } = familyOf(configFile, config);
  const named = cleanTensors(parts, family, /Model$/.test(name));
  const inner = config.get("text_config");
  const own = isJsonObject(inner) ? [inner, config] : [config];
  const layers = [fromNames(family, named.keys(), own), ...own, defaultsOf(family, own)];
  const members = hfMembers(configFile, layers);
  assertSizes(members);
  assertNeutralFields(members, own, family.knownFields ?? []);
  assertActivation(members, family);
  const blocks = assertQuantization(members, family);
  const tensors = withoutScales(named, blocks, configFile);
  const left = await withoutAdapters(tensors, configFile);
  return {
    architecture,
    family,
    config: members,
    generation: hfMembers("generation_config.json", generationConfig === undefined ? [] : [generationConfig]),
    tokenIds: tokenIdsOf(own),
    ends: endsOf(generationConfig, own),
    tensors: left,
  };
}

/** Sizes that others are divided by, or that tables are made for, and the most that they can be. */
const SIZES: readonly (readonly [name: string, most: number])[] = [
  ["hidden_size", 2 ** 20],
  ["num_attention_heads", 2 ** 16],
  ["num_key_value_heads", 2 ** 16],
  ["head_dim", 2 ** 16],
  ["global_head_dim", 2 ** 16],
  ["num_hidden_layers", 2 ** 16],
];

function assertSizes(members: HfConfig): void {
  for (const [name, most] of SIZES) {
    const size = members.has(name) ? members.count(name) : 1;
    if (size < 1 || size > most) members.refuse(name, `a whole number from 1 to ${most}`);
  }
}

function familyOf(file: string, config: JsonObject): { architecture: Architecture; family: HfFamily; name: string } {
  const classes = config.get("architectures");
  const name = Array.isArray(classes) ? classes[0] : undefined;
  for (const architecture of ARCHITECTURES) {
    const family = architecture.hf;
    if (family !== undefined && typeof name === "string" && family.classes.includes(name)) {
      return { architecture: architecture as Architecture, family, name };
    }
  }
  const known = ARCHITECTURES.flatMap(({ hf }) => hf?.classes ?? []).join(", ");
  const got = typeof name === "string" ? printable(name, 200) : "none";
  const message = `architecture '${got}' is not supported: only ${known}`;
  throw new CheckpointError({
    code: "E_UNSUPPORTED",
    file,
    offset: 0,
    field: "architectures",
    expected: known,
    got,
    message,
  });
}

function defaultsOf({ defaults }: HfFamily, own: readonly JsonObject[]): JsonObject {
  const type = own.map((layer) => layer.get("model_type")).find((one) => typeof one === "string") ?? "";
  const ofType = Object.hasOwn(defaults, String(type)) ? defaults[String(type)] : {};
  return new Map(Object.entries({ ...defaults[""], ...ofType }));
}

/** What the names of tensors say where config.json has nothing, or 0. */
function fromNames(family: HfFamily, names: Iterable<string>, own: readonly JsonObject[]): JsonObject {
  const found = Object.entries(family.fromNames?.(names) ?? {});
  return new Map(found.filter(([name]) => own.every((layer) => !layer.get(name))));
}

/** The tensors of the text model, each file's in the order of their names. @throws `E_SHARD` for one that comes twice */
function cleanTensors(
  parts: readonly CheckpointPart[],
  { unused }: HfFamily,
  isBare: boolean,
): Map<string, SourceTensor> {
  const all = new Map<string, SourceTensor>();
  for (const { file, tensors } of parts) {
    for (const stored of [...tensors.keys()].sort()) {
      const unwrapped = stored.replace(WRAPPERS, "");
      if (OTHER_SENSES.test(unwrapped) || unused?.test(unwrapped)) continue;
      const plain = unwrapped.replaceAll("language_model.", "");
      if (CONSTANT.test(plain)) continue;
      const name = isBare && !/^(?:model\.|lm_head\.)/.test(plain) ? `model.${plain}` : plain;
      if (all.has(name)) {
        const message = `tensor '${name}' comes twice`;
        const fields = { code: "E_SHARD", file, offset: 0, field: stored, expected: "once", got: "twice" };
        throw new CheckpointError({ ...fields, message });
      }
      all.set(name, renamed(tensors.get(stored) as SourceTensor, name));
    }
  }
  return all;
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function tokenIdsOf(own: readonly JsonObject[]): Map<string, number> {
  const ids = new Map<string, number>();
  for (const layer of own) {
    for (const [field, value] of layer) {
      const [, name] = /^([a-z]+)_token_id$/.exec(field) ?? [];
      if (name === undefined || ids.has(name)) continue;
      if (isId(value)) ids.set(name, value);
    }
  }
  return ids;
}

/** A list, or of generation_config.json one number: in config.json that is one of `tokenIds`. */
function endsOf(generation: JsonObject | undefined, own: readonly JsonObject[]): number[] {
  const one = generation?.get("eos_token_id");
  if (isId(one)) return [one];
  const lists = [one, ...own.map((layer) => layer.get("eos_token_id"))];
  const list = lists.find((value): value is readonly JsonTree[] => Array.isArray(value) && value.some(isId));
  return list?.filter(isId) ?? [];
}

function assertActivation(c: HfConfig, { activation = "silu" }: HfFamily): void {
  const name = ["hidden_activation", "hidden_act"].find((one) => c.has(one));
  if (name === undefined) return;
  const known = activation === "silu" ? ["silu", "swish"] : [activation];
  if (!known.includes(c.text(name))) c.refuse(name, known.join(" or "));
}

/** Rows and columns of the blocks that have a scale each; undefined where weights have none. */
type Fp8Blocks = readonly [rows: number, columns: number] | undefined;

function assertQuantization(c: HfConfig, { quantMethods = [] }: HfFamily): Fp8Blocks {
  const quantization = c.object("quantization_config") ?? c.object("compression_config");
  if (quantization === undefined) return undefined;
  const method = quantization.has("quant_method") ? quantization.text("quant_method") : "an unknown method";
  if (quantMethods.includes(method)) return undefined;
  if (method !== "fp8")
    return c.refuse(
      "quantization_config",
      `plain weights: the checkpoint is quantised with ${printable(method, 40)}: convert the original`,
    );
  if (!quantization.has("weight_block_size")) return [128, 128];
  const [rows = 0, columns = 0] = quantization.numbers("weight_block_size");
  const isSize = (n: number): boolean => Number.isInteger(n) && n > 0;
  if (!isSize(rows) || !isSize(columns)) quantization.refuse("weight_block_size", "two sizes from 1");
  return [rows, columns];
}

const SCALE = /\.weight_scale_inv$/;
const ACTIVATION_SCALE = /\.(?:activation_scale|input_scale)$/;

/** Weights of 8 bits become plain numbers. @throws `E_DTYPE` for one without a scale */
function withoutScales(tensors: ReadonlyMap<string, SourceTensor>, blocks: Fp8Blocks, file: string): SourceTensor[] {
  const all: SourceTensor[] = [];
  for (const [name, tensor] of tensors) {
    if (blocks !== undefined && (SCALE.test(name) || ACTIVATION_SCALE.test(name))) continue;
    if (!tensor.type.startsWith("f8_")) {
      all.push(tensor);
      continue;
    }
    const scale = tensors.get(`${name}_scale_inv`);
    if (blocks === undefined || tensor.type !== "f8_e4m3" || scale === undefined) {
      const got = tensor.type.toUpperCase();
      const expected = "F8_E4M3 with a scale, as quantization_config says, or plain weights";
      const message = `tensor '${name}' of type ${got} is not read: ${expected}`;
      throw new CheckpointError({ code: "E_DTYPE", file, offset: 0, field: name, expected, got, message });
    }
    all.push(scaledFp8(tensor, scale, ...blocks, file));
  }
  return all;
}

/** Without what a new adapter has added to no weight. @throws `E_UNKNOWN_TENSOR` for one that is not merged */
async function withoutAdapters(tensors: readonly SourceTensor[], file: string): Promise<SourceTensor[]> {
  const isAdapter = ({ name }: SourceTensor): boolean => /\.lora_/.test(name);
  const adapters = tensors.filter(isAdapter);
  if (adapters.length === 0) return [...tensors];
  const names = adapters.map(({ name }) => name);
  await assertHarmless(names, new Map(adapters.map((tensor) => [tensor.name, tensor] as const)), file);
  return tensors.filter((tensor) => !isAdapter(tensor));
}
