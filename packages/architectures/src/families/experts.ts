// Mixtures of experts (Shazeer et al., arXiv:1701.06538): what families have in common whose tokens each go through a few of many
// feed-forward blocks.

import type { Hyper, KeyReader } from "../architecture.ts";
import type { Activation, Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer, ProductSpec, RouteSpec } from "../graph-specs.ts";
import { feedForward } from "./common.ts";

export interface ExpertSizes {
  readonly nExperts: number;
  /** Experts of a token. */
  readonly nUsedExperts: number;
  /** Channels inside an expert. */
  readonly nExpertFf: number;
}

/** Of a family whose models have experts. */
export interface MixtureHyper extends Hyper {
  readonly experts: ExpertSizes;
}

/** @param nExpertFf channels inside of an expert */
export function readExperts(keys: KeyReader, nExpertFf: number): ExpertSizes {
  const nExperts = keys.count("expert_count");
  const nUsedExperts = keys.count("expert_used_count");
  if (nUsedExperts < 1 || nUsedExperts > nExperts) keys.refuse("expert_used_count", `from 1 to ${nExperts}`);
  if (nExpertFf < 1) keys.refuse("expert_feed_forward_length", "at least 1");
  return { nExperts, nUsedExperts, nExpertFf };
}

/** Of a family some of whose models have experts. */
export function readOptionalExperts(keys: KeyReader, nExpertFf: number): Partial<MixtureHyper> {
  keys.has("expert_used_count"); // dense files may have it, too
  return keys.count("expert_count", 0) > 0 ? { experts: readExperts(keys, nExpertFf) } : {};
}

/** What mixtures differ in. */
export interface MixtureOptions {
  /** Default: normalised softmax. */
  readonly routing?: Omit<RouteSpec, "nUsed">;
  /** (n, nExperts). Default: products of `x` with `ffn_gate_inp`. */
  readonly logits?: Value;
  /** Default: silu. */
  readonly activation?: Activation;
  /** Whether router and experts have biases: not unless it is said. */
  readonly bias?: "required";
}

/**
 * Σ weight · feed-forward block over each token's experts. `ffn_gate_inp` chooses them; the matrices of all of them stand in
 * `ffn_gate_exps` and `ffn_up_exps`, or in `ffn_gate_up_exps`, and in `ffn_down_exps`.
 * @param x (n, nEmbd)
 * @returns (n, nEmbd)
 */
export function mixture(
  g: GraphBuilder,
  x: Value,
  layer: Layer,
  { nEmbd, experts: { nExperts, nUsedExperts, nExpertFf: rows } }: Pick<MixtureHyper, "nEmbd" | "experts">,
  options: MixtureOptions = {},
): Value {
  const { routing = { scores: "softmax", isNormalised: true }, activation = "silu" } = options;
  const bias = options.bias === undefined ? {} : { bias: options.bias };
  const router = { name: layer("ffn_gate_inp"), rows: nExperts, axis: g.rows("experts", nExperts), ...bias };
  const route = g.route(options.logits ?? g.project(x, router)[0], { ...routing, nUsed: nUsedExperts });
  const inner = { rows, axis: g.rows("inner channels", rows), ...bias };
  const both = { name: layer("ffn_gate_up_exps"), ...inner };
  const specs = g.has(`${both.name}.weight`)
    ? ([
        { ...both, fused: { first: 0, of: 2 * rows } },
        { ...both, fused: { first: rows, of: 2 * rows } },
      ] as const)
    : ([
        { name: layer("ffn_gate_exps"), ...inner },
        { name: layer("ffn_up_exps"), ...inner },
      ] as const);
  const [gate, up] = g.experts(x, route, nExperts, ...specs); // (n · nUsedExperts, nExpertFf) each
  const down = { name: layer("ffn_down_exps"), rows: nEmbd, axis: g.rows("channels", nEmbd), ...bias };
  return g.mix(g.experts(g.gate(activation, gate, up), route, nExperts, down)[0], route);
}

/**
 * The block of `nFf` channels that every token goes through besides its experts. With a gate, it is weighed by the sigmoid of
 * `ffn_gate_inp_shexp` · x, as the one expert that there is to choose.
 * @param x (n, nEmbd)
 * @returns (n, nEmbd)
 */
export function sharedExpert(
  g: GraphBuilder,
  x: Value,
  layer: Layer,
  sizes: Pick<Hyper, "nFf" | "nEmbd">,
  { isGated = false }: { readonly isGated?: boolean } = {},
): Value {
  const shared = feedForward(g, x, (name) => layer(`${name}_shexp`), sizes);
  if (!isGated) return shared;
  const gate: ProductSpec = { name: layer("ffn_gate_inp_shexp"), rows: 1, axis: g.rows("gate", 1), isVector: true };
  return g.mix(shared, g.route(g.project(x, gate)[0], { scores: "sigmoid", nUsed: 1, isNormalised: false }));
}
