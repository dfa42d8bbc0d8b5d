// Recorded from build 803 of llama.cpp (portable scalar build) with the synthetic model of tools/golden-model.ts.

import type { Build803Options } from "@ll/sampling";

/** Tokens of `hello world` after BOS; evaluated in one batch. */
export const PROMPT: readonly number[] = [1, 260, 268, 372, 290];

export interface GoldenLogits {
  readonly type: string;
  /** Id of the file type. */
  readonly ftype: number;
  /** sha256 of the logits of the prompt, (5, nVocab). */
  readonly promptLogits: string;
  /** The 20 ids with the largest logits, one after the other. */
  readonly greedy: readonly number[];
  /** sha256 of the logits of the prompt and of the 20 ids, (25, nVocab). */
  readonly allLogits: string;
}

/** output.weight is q6_K in all but the f16 file. */
export const GOLDEN_LOGITS: readonly GoldenLogits[] = [
  {
    type: "Q4_1",
    ftype: 3,
    promptLogits: "db46b761337b6a714761993a427ea0f6ae237d46a31a29ca82492463792a7420",
    greedy: [294, 246, 229, 231, 181, 332, 339, 478, 274, 101, 445, 261, 195, 274, 38, 48, 395, 396, 340, 37],
    allLogits: "3d6f30e386675e3252c2ccf113da167d08fad83363a15b80c687468984315aea",
  },
  {
    type: "Q5_0",
    ftype: 8,
    promptLogits: "306413d7a4028dee04c1edb11ffe14b060bf22ea115fae358612598a66836e29",
    greedy: [294, 246, 164, 246, 279, 339, 314, 246, 472, 293, 283, 279, 231, 467, 27, 205, 38, 448, 207, 284],
    allLogits: "9c162f7e3162bfdfdd3bc49f1ff4d844255d8a3a68dde1af43b96a455b5b6b44",
  },
  {
    type: "Q5_1",
    ftype: 9,
    promptLogits: "52eb18835fd48132f7682b8264fb9bbab7e7aebfd98ec7cefb17faf750c666dd",
    greedy: [294, 246, 233, 445, 53, 261, 491, 488, 233, 183, 445, 235, 147, 410, 60, 70, 194, 229, 410, 351],
    allLogits: "66a6b9916a07d06f444c238435181bda6f49022a220cb7d1f7624f79a794be03",
  },
  {
    type: "Q8_0",
    ftype: 7,
    promptLogits: "714c8e349a2284104a8f01d225e3686ba158191daba98fd3085e5e2121236104",
    greedy: [294, 246, 164, 246, 279, 339, 478, 355, 332, 362, 202, 370, 183, 237, 391, 91, 168, 483, 133, 111],
    allLogits: "ac361a2b6ab92abac8e2a4cfc847246cbd07aca3bf445de4b7d1a45b9e29e9ce",
  },
  {
    type: "Q2_K",
    ftype: 10,
    promptLogits: "039537fb65844d142e73c737f8a04bcfb9304d7aaa4550330de0acbf74905a58",
    greedy: [293, 356, 488, 457, 183, 19, 337, 70, 264, 380, 116, 6, 477, 69, 115, 20, 415, 437, 299, 55],
    allLogits: "2005ffbc61970b6c4137bfa5a8ff546f2d8a697d1ce1369355505526148ffe64",
  },
  {
    type: "Q3_K_S",
    ftype: 11,
    promptLogits: "1065f54bc8422005b3dbebad8dbac6f3dab9fd39d77499478cd47ef6fab3b1e7",
    greedy: [351, 226, 143, 205, 218, 409, 332, 194, 16, 168, 89, 235, 438, 132, 229, 262, 274, 32, 384, 307],
    allLogits: "0aa3d8201abb1be4cdfe746f4585ac384a7ce1578d50f5d62eea9bcaaad8f5c0",
  },
  {
    type: "Q3_K_M",
    ftype: 12,
    promptLogits: "e811084d71de44b1c430ee2591c4f26ca8eb5a79ec841a999815c9a4ac36ee5e",
    greedy: [351, 226, 228, 233, 107, 440, 129, 382, 252, 252, 448, 205, 496, 170, 433, 194, 129, 183, 93, 129],
    allLogits: "648c185ef30b367b3095ce2b54994db8284e0349ffbc1673ba5a34bfed34469a",
  },
  {
    type: "Q3_K_L",
    ftype: 13,
    promptLogits: "873672b06dce0780ba3e470c3f9ddd3ec35e2d26f7c83cccafe0b591c1499411",
    greedy: [478, 261, 234, 324, 274, 261, 183, 165, 91, 465, 341, 19, 27, 332, 481, 261, 17, 417, 213, 191],
    allLogits: "d55de68dc77f58b122871299c084323ddcf112262331fdd70f772a7c77139c04",
  },
  {
    type: "Q4_K_S",
    ftype: 14,
    promptLogits: "104c46908b23dae272878bd0d99d110073474eb755531c96fa0168aa1aceb44d",
    greedy: [294, 246, 233, 38, 440, 332, 193, 252, 252, 252, 252, 417, 417, 43, 235, 462, 141, 465, 205, 243],
    allLogits: "a0a3ccc4d97cbafb87b2973c690c964ab5f215318affc20386480c5d069ff2ab",
  },
  {
    type: "Q4_K_M",
    ftype: 15,
    promptLogits: "75709a7da01d26e7ce1e631e2c264a67c3d8c6f5f2d77608e7341e26d1d079be",
    greedy: [294, 246, 233, 38, 440, 465, 341, 181, 83, 246, 332, 124, 246, 332, 510, 174, 282, 462, 349, 396],
    allLogits: "c033715c484bb9edeaf0d4b5641264562d0bd22d17bb0153c04b8494486dccdc",
  },
  {
    type: "Q5_K_S",
    ftype: 16,
    promptLogits: "567a480d6ca3552e9373c0297c5fea7cd6cdcb575995b06f28d21308d9c3782d",
    greedy: [294, 246, 164, 70, 205, 465, 218, 18, 63, 84, 171, 237, 230, 339, 71, 491, 434, 130, 224, 54],
    allLogits: "21e8c8e5bde2134fb6805dc4467d777806adc6ea4b09512763fba8f2d8d0b116",
  },
  {
    type: "Q5_K_M",
    ftype: 17,
    promptLogits: "c86416de4e59a13c86b1516989e6209e7390fdb52e11c344e35f14945f527785",
    greedy: [294, 246, 164, 70, 205, 465, 218, 18, 63, 84, 171, 237, 230, 339, 71, 491, 434, 130, 224, 54],
    allLogits: "5e7cea8a7b039b5d4da16144b89afc17f4cb053d9aea4307a9e08f299c596d3c",
  },
  {
    type: "Q6_K",
    ftype: 18,
    promptLogits: "8e7f19d5d67d0783696449d76285d3ee7ede6d4c47997df733d8c7e2e6c067e7",
    greedy: [294, 246, 164, 246, 279, 339, 478, 274, 410, 60, 260, 140, 129, 462, 438, 172, 163, 151, 261, 232],
    allLogits: "7b3342ca82df849df06cd28a97248db5e283eb20500247a4940c1ebbaf429cee",
  },
  {
    type: "f16",
    ftype: 1,
    promptLogits: "1b42ac25e2fb1f675ba680a1ad284f3610088e251c361a10c0b11c9eb98a14bd",
    greedy: [294, 246, 164, 246, 279, 339, 478, 355, 332, 362, 202, 370, 183, 237, 391, 91, 168, 483, 133, 111],
    allLogits: "f3d8b71e7ecc0d845bd394ac812702c45d0838165fcae8cfd660bdf4a2adb793",
  },
  {
    type: "Q4_0",
    ftype: 2,
    promptLogits: "5c749dbb27ad4b12cb1c302f2d1014d375322d66c0e8316628c6e784dcb91641",
    greedy: [294, 246, 229, 332, 362, 314, 370, 84, 425, 193, 252, 251, 246, 56, 396, 27, 96, 92, 438, 224],
    allLogits: "7673b1c1f3f201fbbd242e3606ee0dbd4956f8730eef75d35b54063b6b4a3289",
  },
];

export interface GoldenText {
  readonly type: "f16" | "Q4_0";
  readonly sampling: Build803Options;
  readonly seed: number;
  readonly contextTokens: number;
  readonly keepTokens: number;
  readonly ids: readonly number[];
}

/** Tokens of ` hello world` after BOS, as `main` makes them. */
export const TEXT_PROMPT: readonly number[] = [1, 293, 260, 268, 372, 290];

/** What `main` generated; the last of each type swaps its context. */
export const GOLDEN_TEXTS: readonly GoldenText[] = [
  {
    type: "f16",
    sampling: { temperature: 0 },
    seed: 1,
    contextTokens: 512,
    keepTokens: 0,
    ids: [262, 442, 106, 274, 464, 205, 129, 12, 369, 496, 393, 4, 79, 41, 194, 31, 142, 255, 136, 401],
  },
  {
    type: "f16",
    sampling: {},
    seed: 42,
    contextTokens: 512,
    keepTokens: 0,
    ids: [284, 492, 21, 183, 464, 213, 234, 409, 433, 464, 213, 370, 190, 233, 415, 445, 70, 356, 115, 227],
  },
  {
    type: "f16",
    sampling: { topK: 0, topP: 0.9, temperature: 1.2 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [213, 96, 468, 473, 56, 485, 133, 356, 337, 166, 329, 461, 371, 354, 198, 188, 55, 254, 436, 21],
  },
  {
    type: "f16",
    sampling: { mirostat: 2 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [474, 464, 451, 27, 462, 384, 89, 136, 354, 312, 392, 337, 308, 292, 444, 437, 83, 104, 324, 255],
  },
  {
    type: "f16",
    sampling: { mirostat: 1 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [474, 464, 39, 183, 8, 431, 329, 351, 306, 402, 337, 246, 492, 261, 149, 105, 393, 362, 389, 356],
  },
  {
    type: "f16",
    sampling: { typicalP: 0.7, topK: 0, repeatPenalty: 1.3 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [469, 233, 281, 248, 347, 440, 235, 412, 214, 503, 298, 364, 42, 360, 186, 72, 223, 180, 411, 274],
  },
  {
    type: "f16",
    sampling: {},
    seed: 3,
    contextTokens: 16,
    keepTokens: 1,
    ids: [
      262, 205, 456, 73, 140, 129, 494, 118, 27, 11, 398, 103, 499, 500, 158, 66, 230, 354, 239, 261, 27, 48, 362, 448,
      366, 175, 89, 278, 92, 55, 292, 201, 89, 235, 315, 128, 143, 243, 166, 238,
    ],
  },
  {
    type: "Q4_0",
    sampling: { temperature: 0 },
    seed: 1,
    contextTokens: 512,
    keepTokens: 0,
    ids: [293, 414, 11, 135, 30, 454, 87, 58, 198, 165, 18, 405, 371, 173, 67, 460, 326, 450, 318, 53],
  },
  {
    type: "Q4_0",
    sampling: {},
    seed: 42,
    contextTokens: 512,
    keepTokens: 0,
    ids: [322, 438, 27, 440, 347, 486, 407, 150, 382, 307, 443, 230, 341, 365, 225, 464, 465, 55, 27, 453],
  },
  {
    type: "Q4_0",
    sampling: { topK: 0, topP: 0.9, temperature: 1.2 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [213, 205, 257, 269, 180, 475, 491, 336, 317, 493, 41, 497, 396, 314, 205, 129, 168, 43, 411, 254],
  },
  {
    type: "Q4_0",
    sampling: { mirostat: 2 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [318, 41, 70, 304, 354, 311, 369, 340, 199, 46, 437, 254, 505, 46, 387, 261, 27, 18, 462, 354],
  },
  {
    type: "Q4_0",
    sampling: { mirostat: 1 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [318, 41, 39, 37, 129, 448, 85, 342, 188, 433, 468, 175, 214, 327, 123, 31, 27, 240, 153, 109],
  },
  {
    type: "Q4_0",
    sampling: { typicalP: 0.7, topK: 0, repeatPenalty: 1.3 },
    seed: 7,
    contextTokens: 512,
    keepTokens: 0,
    ids: [293, 340, 199, 492, 37, 464, 129, 370, 454, 261, 350, 240, 205, 331, 27, 402, 216, 296, 378, 306],
  },
  {
    type: "Q4_0",
    sampling: {},
    seed: 3,
    contextTokens: 16,
    keepTokens: 1,
    ids: [
      293, 287, 183, 312, 492, 8, 185, 82, 364, 90, 337, 311, 389, 324, 446, 257, 359, 364, 47, 211, 230, 284, 443, 416,
      483, 97, 13, 269, 136, 509, 72, 196, 51, 342, 315, 438, 429, 5, 217, 511,
    ],
  },
];
