// Kinds of model files: what most matrices of a file are stored as.

export interface FileType {
  /** As stored: `ftype` of ggml files, `general.file_type` of GGUF files. */
  readonly id: number;
  /** As programs that quantise call it. */
  readonly name: string;
  /** As llama.cpp prints it. */
  readonly label: string;
  /** Type of most tensors with two dimensions. */
  readonly tensorType: string;
}

/** The highest id that build 803 of llama.cpp knows, and so ggml, ggmf and ggjt files. */
export const LAST_GGML_FILE_TYPE = 18;

/** Facts: llama.cpp, `llama_ftype`; 5, 6 and 33 to 35 were removed. */
export const FILE_TYPES: readonly FileType[] = [
  { id: 0, name: "F32", label: "all F32", tensorType: "f32" },
  { id: 1, name: "F16", label: "mostly F16", tensorType: "f16" },
  { id: 2, name: "Q4_0", label: "mostly Q4_0", tensorType: "q4_0" },
  { id: 3, name: "Q4_1", label: "mostly Q4_1", tensorType: "q4_1" },
  { id: 4, name: "Q4_1_SOME_F16", label: "mostly Q4_1, some F16", tensorType: "q4_1" },
  { id: 7, name: "Q8_0", label: "mostly Q8_0", tensorType: "q8_0" },
  { id: 8, name: "Q5_0", label: "mostly Q5_0", tensorType: "q5_0" },
  { id: 9, name: "Q5_1", label: "mostly Q5_1", tensorType: "q5_1" },
  { id: 10, name: "Q2_K", label: "mostly Q2_K", tensorType: "q2_K" },
  { id: 11, name: "Q3_K_S", label: "mostly Q3_K - Small", tensorType: "q3_K" },
  { id: 12, name: "Q3_K_M", label: "mostly Q3_K - Medium", tensorType: "q3_K" },
  { id: 13, name: "Q3_K_L", label: "mostly Q3_K - Large", tensorType: "q3_K" },
  { id: 14, name: "Q4_K_S", label: "mostly Q4_K - Small", tensorType: "q4_K" },
  { id: 15, name: "Q4_K_M", label: "mostly Q4_K - Medium", tensorType: "q4_K" },
  { id: 16, name: "Q5_K_S", label: "mostly Q5_K - Small", tensorType: "q5_K" },
  { id: 17, name: "Q5_K_M", label: "mostly Q5_K - Medium", tensorType: "q5_K" },
  { id: 18, name: "Q6_K", label: "mostly Q6_K", tensorType: "q6_K" },
  { id: 19, name: "IQ2_XXS", label: "mostly IQ2_XXS", tensorType: "iq2_xxs" },
  { id: 20, name: "IQ2_XS", label: "mostly IQ2_XS", tensorType: "iq2_xs" },
  { id: 21, name: "Q2_K_S", label: "mostly Q2_K - Small", tensorType: "q2_K" },
  { id: 22, name: "IQ3_XS", label: "mostly IQ3_XS", tensorType: "iq3_s" },
  { id: 23, name: "IQ3_XXS", label: "mostly IQ3_XXS", tensorType: "iq3_xxs" },
  { id: 24, name: "IQ1_S", label: "mostly IQ1_S", tensorType: "iq1_s" },
  { id: 25, name: "IQ4_NL", label: "mostly IQ4_NL", tensorType: "iq4_nl" },
  { id: 26, name: "IQ3_S", label: "mostly IQ3_S", tensorType: "iq3_s" },
  { id: 27, name: "IQ3_M", label: "mostly IQ3_M", tensorType: "iq3_s" },
  { id: 28, name: "IQ2_S", label: "mostly IQ2_S", tensorType: "iq2_xs" },
  { id: 29, name: "IQ2_M", label: "mostly IQ2_M", tensorType: "iq2_s" },
  { id: 30, name: "IQ4_XS", label: "mostly IQ4_XS", tensorType: "iq4_xs" },
  { id: 31, name: "IQ1_M", label: "mostly IQ1_M", tensorType: "iq1_m" },
  { id: 32, name: "BF16", label: "mostly BF16", tensorType: "bf16" },
  { id: 36, name: "TQ1_0", label: "mostly TQ1_0", tensorType: "tq1_0" },
  { id: 37, name: "TQ2_0", label: "mostly TQ2_0", tensorType: "tq2_0" },
  { id: 38, name: "MXFP4_MOE", label: "MXFP4 experts, the rest Q8_0", tensorType: "mxfp4" },
  { id: 40, name: "Q1_0", label: "mostly Q1_0", tensorType: "q1_0" },
  { id: 41, name: "Q2_0", label: "mostly Q2_0", tensorType: "q2_0" },
];

const BY_ID: ReadonlyMap<number, FileType> = /* @__PURE__ */ new Map(FILE_TYPES.map((type) => [type.id, type]));

export function fileType(id: number): FileType | undefined {
  return BY_ID.get(id);
}

/** What llama.cpp prints behind `ftype      = `, such as `mostly Q4_0`. */
export function fileTypeLabel(id: number): string {
  return BY_ID.get(id)?.label ?? "unknown, may not work";
}

/**
 * The id for a file most of whose matrices are of a type, as llama.cpp guesses it: the kind that is called like the type, the medium mix of
 * Q3_K, Q4_K and Q5_K, which have none, or the only one. So a file of iq2_s is IQ2_S, though IQ2_S as a recipe is mostly iq2_xs.
 * Facts: llama.cpp, `llama_model_loader`.
 */
export function fileTypeOf(tensorType: string): number | undefined {
  const namesake = FILE_TYPES.find(({ name }) => name === tensorType.toUpperCase());
  if (namesake !== undefined) return namesake.id;
  const ofType = FILE_TYPES.filter((type) => type.tensorType === tensorType);
  return (ofType.find(({ name }) => name.endsWith("_M")) ?? ofType[0])?.id;
}
