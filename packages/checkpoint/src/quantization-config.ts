// `quantization_config` of config.json, and quantize_config.json of AutoGPTQ, which is the same object in a file of its own.

import { fieldError, readInteger, readText, unlessNull } from "./config-fields.ts";
import type { JsonReader } from "./json-reader.ts";

/** How the 4-bit matrices of GPTQ are stored; tensors alone do not tell. */
export interface GptqLayout {
  /** Added to a stored zero point: 1 for the first version of the format, 0 for "gptq_v2". */
  readonly zeroOffset: 0 | 1;
  /** True if inputs of a group are not neighbours ("desc_act"): every matrix needs a g_idx then. */
  readonly needsIndex: boolean;
}

/** What AutoGPTQ and GPTQ-for-LLaMa write, and what a model without any such configuration has. */
export const GPTQ_V1: GptqLayout = { zeroOffset: 1, needsIndex: false };

/** "checkpoint_format" → what is added to a stored zero point. */
const ZERO_OFFSETS: ReadonlyMap<string, 0 | 1> = new Map([
  ["gptq", 1],
  ["gptq_v2", 0],
]);

const HINT = "convert the model as it was before it was quantised";

/**
 * The value of `quantization_config`; undefined for null, for no quantisation, and for bitsandbytes, whose configuration
 * also stays behind in models with plain weights: there the types of the tensors decide.
 * @throws `E_UNSUPPORTED` for a method or a variant that is not read
 */
export function readQuantizationConfig(json: JsonReader, name: string): GptqLayout | undefined {
  return unlessNull(json, () => {
    if (json.peek() !== "object") throw fieldError(json, "E_FIELD", name, "an object", json.read());
    const texts = new Map<string, string>();
    const flags = new Set<string>();
    let bits: number | undefined;
    let hasOther = false;
    json.object((member) => {
      const field = `${name}.${member}`;
      switch (member) {
        case "quant_method":
        case "checkpoint_format": {
          const text = readText(json, field);
          if (text !== undefined) texts.set(member, text);
          break;
        }
        case "bits":
          bits = unlessNull(json, () => readInteger(json, field, 1));
          break;
        default: {
          const value = json.read();
          if (value.kind === "boolean" && value.value) flags.add(member);
          hasOther ||= value.kind !== "null" && value.kind !== "boolean" && !member.startsWith("bnb_");
        }
      }
    });
    const refuse = (field: string, expected: string, got: string): never => {
      throw fieldError(json, "E_UNSUPPORTED", `${name}.${field}`, expected, { kind: "string", text: got }, HINT);
    };
    const isBitsandbytes = flags.has("load_in_8bit") || flags.has("load_in_4bit");
    const method =
      texts.get("quant_method") ?? (isBitsandbytes ? "bitsandbytes" : bits === undefined ? undefined : "gptq");
    if (method === "bitsandbytes" || (method === undefined && !hasOther)) return undefined;
    if (method !== "gptq") return refuse("quant_method", "gptq", method ?? "none");
    if (bits !== undefined && bits !== 4) refuse("bits", "4", String(bits));
    const format = texts.get("checkpoint_format") ?? "gptq";
    const zeroOffset = ZERO_OFFSETS.get(format);
    if (zeroOffset === undefined) return refuse("checkpoint_format", [...ZERO_OFFSETS.keys()].join(" or "), format);
    if (flags.has("is_marlin_format")) refuse("is_marlin_format", "false", "true");
    return { zeroOffset, needsIndex: flags.has("desc_act") };
  });
}
