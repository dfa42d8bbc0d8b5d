// Ministral 3 and Devstral Small 2: LLaMA with YaRN, and queries that grow with the position.

import type { Architecture } from "../architecture.ts";
import { changePairs, HF_NAMES } from "../hf.ts";
import { basicKeys, HF_DEFAULTS, hfRope, llama3Factors, vocabAndRotaryKeys } from "../hf-keys.ts";
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
  models: "Ministral 3, Devstral Small 2",
  names: LLAMA_NAMES,
  hf: {
    classes: ["Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"],
    defaults: { "": HF_DEFAULTS, mistral: { num_key_value_heads: 8, max_position_embeddings: 131072 } },
    names: HF_NAMES,
    tokenizer: { sentencePiece: "optional", spacePrefix: "as configured" },
    change: changePairs,
    made: llama3Factors,
    keys(c, k) {
      const type = c.text("model_type");
      if (type !== "ministral3" && type !== "mistral") c.refuse("model_type", "ministral3 or mistral");
      basicKeys(c, k);
      vocabAndRotaryKeys(c, k);
      if (type === "mistral") return; // Small 3.1 and 3.2: nothing is stretched
      const { own, type: scaling } = hfRope(c);
      if (own === undefined || scaling !== "yarn") return c.refuse("rope_parameters", "those of YaRN");
      k.f32("rope.scaling.yarn_log_multiplier", own.float("mscale_all_dim"));
      k.f32("attention.temperature_scale", own.float("llama_4_scaling_beta"));
    },
  },
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
