// The kinds of file that build 803 of llama.cpp quantises to, in the order in which it lists and matches them.
// Facts: llama.cpp build 803, examples/quantize/quantize.cpp and llama_model_quantize_internal.

import { FILE_TYPES } from "@ll/architectures";
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

/** As listed; an alias stands for the name that its description ends with. */
const DESCRIPTIONS: readonly (readonly [name: string, description: string])[] = [
  ["Q4_0", " 3.50G, +0.2499 ppl @ 7B - small, very high quality loss - legacy, prefer using Q3_K_M"],
  ["Q4_1", " 3.90G, +0.1846 ppl @ 7B - small, substantial quality loss - legacy, prefer using Q3_K_L"],
  ["Q5_0", " 4.30G, +0.0796 ppl @ 7B - medium, balanced quality - legacy, prefer using Q4_K_M"],
  ["Q5_1", " 4.70G, +0.0415 ppl @ 7B - medium, low quality loss - legacy, prefer using Q5_K_M"],
  ["Q2_K", " 2.67G, +0.8698 ppl @ 7B - smallest, extreme quality loss - not recommended"],
  ["Q3_K", "alias for Q3_K_M"],
  ["Q3_K_S", " 2.75G, +0.5505 ppl @ 7B - very small, very high quality loss"],
  ["Q3_K_M", " 3.06G, +0.2437 ppl @ 7B - very small, very high quality loss"],
  ["Q3_K_L", " 3.35G, +0.1803 ppl @ 7B - small, substantial quality loss"],
  ["Q4_K", "alias for Q4_K_M"],
  ["Q4_K_S", " 3.56G, +0.1149 ppl @ 7B - small, significant quality loss"],
  ["Q4_K_M", " 3.80G, +0.0535 ppl @ 7B - medium, balanced quality - *recommended*"],
  ["Q5_K", "alias for Q5_K_M"],
  ["Q5_K_S", " 4.33G, +0.0353 ppl @ 7B - large, low quality loss - *recommended*"],
  ["Q5_K_M", " 4.45G, +0.0142 ppl @ 7B - large, very low quality loss - *recommended*"],
  ["Q6_K", " 5.15G, +0.0044 ppl @ 7B - very large, extremely low quality loss"],
  ["Q8_0", " 6.70G, +0.0004 ppl @ 7B - very large, extremely low quality loss - not recommended"],
  ["F16", "13.00G              @ 7B - extremely large, virtually no quality loss - not recommended"],
  ["F32", "26.00G              @ 7B - absolutely huge, lossless - not recommended"],
];

export const FTYPES: readonly FileType[] = /* @__PURE__ */ DESCRIPTIONS.map(([name, description]) => {
  const fullName = description.startsWith("alias for ") ? description.slice("alias for ".length) : name;
  const { id, tensorType } = FILE_TYPES.find((type) => type.name === fullName)!;
  return { id, name, description, baseType: tensorType as BlockType };
});
