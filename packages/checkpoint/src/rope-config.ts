// Rotary positions in config.json: `rope_theta` and `rope_scaling` of transformers 4, `rope_parameters` of transformers 5, which
// holds both, perhaps once per type of layers.

import { fieldError, readPositive, readText, unlessNull } from "./config-fields.ts";
import { CheckpointError } from "./errors.ts";
import type { JsonReader } from "./json-reader.ts";

/** What LLaMA can compute: a base, and a divisor of all positions. */
export interface RopeConfig {
  readonly base?: number | undefined;
  /** Of linear scaling; undefined for none. */
  readonly factor?: number | undefined;
}

/** Members of a rope dictionary that mean the same without any scaling. */
const PLAIN_MEMBERS: ReadonlySet<string> = new Set(["rope_theta", "partial_rotary_factor", "rope_type", "type"]);

const HINT =
  "only linear scaling of whole heads is computed here; take the model as it was before its context was extended";
const DYNAMIC_HINT =
  'up to "max_position_embeddings" tokens it changes nothing: for these, set it to null in a copy of config.json';

/**
 * The value of `rope_scaling` or `rope_parameters`; undefined for null.
 * @throws `E_UNSUPPORTED` for scaling that is not linear, for layers that differ, for heads that turn in part
 */
export function readRopeConfig(json: JsonReader, name: string): RopeConfig | undefined {
  return unlessNull(json, () => {
    if (json.peek() !== "object") throw fieldError(json, "E_FIELD", name, "an object", json.read());
    const perLayerType: RopeConfig[] = [];
    const texts = new Map<string, string>(); // rope_type and type, which is its older name
    const numbers = new Map<string, number>();
    let scalingMember: string | undefined;
    json.object((member) => {
      const field = `${name}.${member}`;
      if (!PLAIN_MEMBERS.has(member)) {
        if (json.peek() === "object") {
          // "full_attention": {…}, "sliding_attention": {…}
          perLayerType.push(readRopeConfig(json, field) ?? {});
          return;
        }
        if (member !== "factor") {
          if (json.peek() !== "null") scalingMember ??= member;
          json.read();
          return;
        }
        scalingMember = member;
      }
      if (member === "rope_type" || member === "type") {
        const text = readText(json, field);
        if (text !== undefined) texts.set(member, text);
      } else {
        const number = unlessNull(json, () => readPositive(json, field, "E_HPARAM"));
        if (number !== undefined) numbers.set(member, number);
        if (member === "partial_rotary_factor") assertWholeHeads(json, field, number);
      }
    });
    const type = texts.get("rope_type") ?? texts.get("type");
    const refuse = (expected: string, got: string, hint = HINT): never => {
      throw fieldError(json, "E_UNSUPPORTED", name, expected, { kind: "string", text: got }, hint);
    };
    if (type !== (texts.get("type") ?? type)) refuse("one type", `${type} and ${texts.get("type")}`);
    const factor = numbers.get("factor");
    const base = numbers.get("rope_theta");
    if (type === "linear") {
      if (factor === undefined) refuse("linear scaling with a factor", "none");
    } else if (type !== undefined && type !== "default") {
      refuse("linear scaling with a factor, or none", type, type === "dynamic" ? DYNAMIC_HINT : HINT);
    } else if (type === undefined && scalingMember !== undefined) {
      refuse('a "rope_type"', `none beside "${scalingMember}"`);
    }
    const own: RopeConfig = { base, factor: type === "linear" ? factor : undefined };
    const isOwn = texts.size > 0 || numbers.size > 0;
    const all = isOwn ? [own, ...perLayerType] : perLayerType;
    if (all.some((other) => !isSame(other, all[0] as RopeConfig))) {
      refuse("the same positions in all layers", "layers that differ");
    }
    return all[0] ?? {};
  });
}

/** @throws `E_UNSUPPORTED` unless `factor`, the share of a head that is turned, is 1 */
export function assertWholeHeads(json: JsonReader, field: string, factor: number | undefined): void {
  if (factor === undefined || factor === 1) return;
  const value = { kind: "number", digits: String(factor) } as const;
  throw fieldError(json, "E_UNSUPPORTED", field, "1: all of a head is turned", value, HINT);
}

/**
 * One answer out of all that a file has: `rope_parameters` goes before `rope_scaling`, both before `rope_theta`.
 * @throws `E_HPARAM` if two of them scale differently
 */
export function mergeRope(
  file: string,
  parameters: RopeConfig | undefined,
  scaling: RopeConfig | undefined,
  theta: number | undefined,
): RopeConfig {
  if (parameters !== undefined && scaling !== undefined && parameters.factor !== scaling.factor) {
    throw new CheckpointError({
      code: "E_HPARAM",
      file,
      offset: 0,
      field: "rope_scaling",
      expected: `as in rope_parameters: ${parameters.factor ?? "none"}`,
      got: scaling.factor ?? "none",
      message: "rope_parameters and rope_scaling contradict each other",
      hint: "remove the wrong one in a copy of the file",
    });
  }
  return { base: parameters?.base ?? scaling?.base ?? theta, factor: (parameters ?? scaling)?.factor };
}

function isSame(a: RopeConfig, b: RopeConfig): boolean {
  return a.base === b.base && a.factor === b.factor;
}
