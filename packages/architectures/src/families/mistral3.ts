// Ministral 3 and Devstral Small 2: LLaMA with YaRN, and queries that grow with the position.

import type { Architecture } from "../architecture.ts";
import { LLAMA_NAMES } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readOriginalTokens,
  readPositive,
  readRopeHyper,
  ropeFactors,
  ropeSettings,
} from "./common.ts";

interface Mistral3Hyper extends RopeHyper {
  /** Factor on the query at position p: 1 + slope · ln(1 + ⌊p / span⌋). */
  readonly temperature: { readonly slope: number; readonly span: number };
}

export const mistral3: Architecture<Mistral3Hyper> = {
  name: "mistral3",
  names: LLAMA_NAMES,
  harmlessKeys: HARMLESS_KEYS,
  readHyper(keys) {
    const { ropeScaling, ...hyper } = readRopeHyper(keys);
    keys.expect("rope.dimension_count", hyper.headDim); // else the temperature would miss channels
    const temperature = { slope: keys.float("attention.temperature_scale", 0), span: readOriginalTokens(keys) };
    const betaFast = readPositive(keys, "rope.scaling.yarn_beta_fast", 32);
    const betaSlow = readPositive(keys, "rope.scaling.yarn_beta_slow", 1);
    const logMultiplier = keys.float("rope.scaling.yarn_log_multiplier", 0);
    if (logMultiplier < 0) keys.refuse("rope.scaling.yarn_log_multiplier", "0 or more");
    if (ropeScaling === undefined) return { ...hyper, temperature };
    return { ...hyper, temperature, ropeScaling: { ...ropeScaling, betaFast, betaSlow, logMultiplier } };
  },
  build(g, h) {
    const { rmsNormEps: eps, temperature } = h;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const [settings, factors] = [ropeSettings(h), ropeFactors(g, h)];
    const angles = g.angles(settings, factors);
    const queryAngles = temperature.slope === 0 ? angles : g.angles({ ...settings, temperature }, factors);
    const bias = "optional";
    for (const layer of g.layers(h.nLayers)) {
      const normed = g.norm(x, layer("attn_norm"), eps);
      g.add(x, attention(g, normed, layer, h, { pairing: "adjacent", angles, queryAngles, bias }));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h, { bias }));
    }
    logits(g, x, "output_norm", h);
  },
};
