// The kinds of file that build 803 of llama.cpp quantises to, in the order in which it lists and matches them.
// Facts: llama.cpp build 803, examples/quantize/quantize.cpp and llama_model_quantize_internal.

import type { BlockType } from "./block-format.ts";

/** A kind of file. Some ids occur twice, once under an alias. */
export interface FileType {
  /** As stored in the file. */
  readonly id: number;
  readonly name: string;
  /** As printed; some begin with a space. */
  readonly description: string;
  /** Type of most two-dimensional tensors. */
  readonly baseType: BlockType;
}

export const FTYPES: readonly FileType[] = [
  {
    id: 2,
    name: "Q4_0",
    description: " 3.50G, +0.2499 ppl @ 7B - small, very high quality loss - legacy, prefer using Q3_K_M",
    baseType: "q4_0",
  },
  {
    id: 3,
    name: "Q4_1",
    description: " 3.90G, +0.1846 ppl @ 7B - small, substantial quality loss - legacy, prefer using Q3_K_L",
    baseType: "q4_1",
  },
  {
    id: 8,
    name: "Q5_0",
    description: " 4.30G, +0.0796 ppl @ 7B - medium, balanced quality - legacy, prefer using Q4_K_M",
    baseType: "q5_0",
  },
  {
    id: 9,
    name: "Q5_1",
    description: " 4.70G, +0.0415 ppl @ 7B - medium, low quality loss - legacy, prefer using Q5_K_M",
    baseType: "q5_1",
  },
  {
    id: 10,
    name: "Q2_K",
    description: " 2.67G, +0.8698 ppl @ 7B - smallest, extreme quality loss - not recommended",
    baseType: "q2_K",
  },
  { id: 12, name: "Q3_K", description: "alias for Q3_K_M", baseType: "q3_K" },
  {
    id: 11,
    name: "Q3_K_S",
    description: " 2.75G, +0.5505 ppl @ 7B - very small, very high quality loss",
    baseType: "q3_K",
  },
  {
    id: 12,
    name: "Q3_K_M",
    description: " 3.06G, +0.2437 ppl @ 7B - very small, very high quality loss",
    baseType: "q3_K",
  },
  {
    id: 13,
    name: "Q3_K_L",
    description: " 3.35G, +0.1803 ppl @ 7B - small, substantial quality loss",
    baseType: "q3_K",
  },
  { id: 15, name: "Q4_K", description: "alias for Q4_K_M", baseType: "q4_K" },
  {
    id: 14,
    name: "Q4_K_S",
    description: " 3.56G, +0.1149 ppl @ 7B - small, significant quality loss",
    baseType: "q4_K",
  },
  {
    id: 15,
    name: "Q4_K_M",
    description: " 3.80G, +0.0535 ppl @ 7B - medium, balanced quality - *recommended*",
    baseType: "q4_K",
  },
  { id: 17, name: "Q5_K", description: "alias for Q5_K_M", baseType: "q5_K" },
  {
    id: 16,
    name: "Q5_K_S",
    description: " 4.33G, +0.0353 ppl @ 7B - large, low quality loss - *recommended*",
    baseType: "q5_K",
  },
  {
    id: 17,
    name: "Q5_K_M",
    description: " 4.45G, +0.0142 ppl @ 7B - large, very low quality loss - *recommended*",
    baseType: "q5_K",
  },
  {
    id: 18,
    name: "Q6_K",
    description: " 5.15G, +0.0044 ppl @ 7B - very large, extremely low quality loss",
    baseType: "q6_K",
  },
  {
    id: 7,
    name: "Q8_0",
    description: " 6.70G, +0.0004 ppl @ 7B - very large, extremely low quality loss - not recommended",
    baseType: "q8_0",
  },
  {
    id: 1,
    name: "F16",
    description: "13.00G              @ 7B - extremely large, virtually no quality loss - not recommended",
    baseType: "f16",
  },
  {
    id: 0,
    name: "F32",
    description: "26.00G              @ 7B - absolutely huge, lossless - not recommended",
    baseType: "f32",
  },
];
