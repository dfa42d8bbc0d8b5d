// Fields of config.json that change what is computed and leave no trace in the tensors.

/** → the value that changes nothing, besides null. Undefined: null alone, 0 and false. */
export const NEUTRAL_VALUES: ReadonlyMap<string, number | boolean | undefined> = new Map<
  string,
  number | boolean | undefined
>([
  ["embedding_multiplier", 1],
  ["residual_multiplier", 1],
  ["logits_scaling", 1],
  ["logit_scale", 1],
  ["attention_multiplier", undefined],
  ["query_pre_attn_scalar", undefined],
  ["attn_logit_softcapping", undefined],
  ["final_logit_softcapping", undefined],
  ["clip_qkv", undefined],
  ["is_causal", true],
]);

export function isNeutral(field: string, value: unknown): boolean {
  if (!NEUTRAL_VALUES.has(field) || value === null) return true;
  const neutral = NEUTRAL_VALUES.get(field);
  return value === (neutral ?? false) || value === (neutral ?? 0);
}
