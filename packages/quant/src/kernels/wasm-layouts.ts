// Sizes of the WebAssembly kernels' layouts; asm/*.ts describe and use them.

import type { GridName } from "../iq-grids.ts";

/** Layout of the rows and vectors of one type. */
export interface WasmLayout {
  /** Values per block. */
  readonly blockValues: number;
  /** Bytes of one block column of 8 rows. */
  readonly columnBytes: number;
  /** Bytes of one block of a packed vector. */
  readonly vectorBytes: number;
  /** Block columns, and blocks of a vector, are filled up to a multiple of it. Default: 1. */
  readonly columns?: number;
  /** Type whose rows are repacked alike, and type whose vectors are packed alike: their functions are used. Default: the type itself. */
  readonly rowsAs?: string;
  readonly vectorsAs?: string;
  /** Of the types of asm/stored-types.ts: by what number it knows the type, and the grid that must be in its memory. */
  readonly kind?: number;
  readonly grid?: GridName;
}

/** Where grids are, in bytes from the start of the kernels' scratch space; asm/stored-types.ts says the same. */
export const GRIDS: Readonly<Record<GridName, number>> = {
  iq1s: 12288,
  iq2xxs: 28672,
  iq2xs: 30720,
  iq2s: 34816,
  iq3xxs: 43008,
  iq3s: 44032,
};

/** Of a type whose super-blocks of `blockBytes` stay as they are. */
const stored256 = (kind: number, blockBytes: number, grid?: GridName): WasmLayout => ({
  blockValues: 256,
  columnBytes: 8 * blockBytes,
  vectorBytes: 272,
  vectorsAs: "iq4_xs",
  kind,
  ...(grid === undefined ? {} : { grid }),
});

/** The same with blocks of `blockValues` that meet blocks of 32. */
const stored32 = (kind: number, blockValues: number, blockBytes: number): WasmLayout => ({
  blockValues,
  columnBytes: 8 * blockBytes,
  vectorBytes: (48 * blockValues) / 32,
  vectorsAs: "q4_0",
  kind,
});

/** By type. A column is 8 blocks of the file format, except that Q3_K, Q4_K, Q5_K and IQ4_XS store a scale in a byte, not in 6 bits. */
export const WASM_LAYOUTS: ReadonlyMap<string, WasmLayout> = /* @__PURE__ */ new Map<string, WasmLayout>([
  ["f32", { blockValues: 1, columnBytes: 32, vectorBytes: 4 }],
  ["f16", { blockValues: 1, columnBytes: 16, vectorBytes: 8 }],
  ["q4_0", { blockValues: 32, columnBytes: 144, vectorBytes: 48 }],
  ["q4_1", { blockValues: 32, columnBytes: 160, vectorBytes: 48 }],
  ["q5_0", { blockValues: 32, columnBytes: 176, vectorBytes: 48 }],
  ["q5_1", { blockValues: 32, columnBytes: 192, vectorBytes: 48 }],
  ["q8_0", { blockValues: 32, columnBytes: 272, vectorBytes: 80 }],
  ["q2_K", { blockValues: 256, columnBytes: 672, vectorBytes: 304 }],
  ["q3_K", { blockValues: 256, columnBytes: 912, vectorBytes: 528 }],
  ["q4_K", { blockValues: 256, columnBytes: 1184, vectorBytes: 288 }],
  ["q5_K", { blockValues: 256, columnBytes: 1440, vectorBytes: 288, vectorsAs: "q4_K" }],
  ["q6_K", { blockValues: 256, columnBytes: 1680, vectorBytes: 528 }],
  ["iq2_xxs", stored256(0, 66, "iq2xxs")],
  ["iq2_xs", stored256(1, 74, "iq2xs")],
  ["iq3_xxs", stored256(3, 98, "iq3xxs")],
  ["iq1_s", stored256(5, 50, "iq1s")],
  ["iq4_nl", { blockValues: 32, columnBytes: 144, vectorBytes: 80, rowsAs: "q4_0", vectorsAs: "q8_0" }],
  ["iq3_s", stored256(4, 110, "iq3s")],
  ["iq2_s", stored256(2, 82, "iq2s")],
  ["iq4_xs", { blockValues: 256, columnBytes: 1104, vectorBytes: 272 }],
  ["iq1_m", stored256(6, 56, "iq1s")],
  ["bf16", { blockValues: 1, columnBytes: 16, vectorBytes: 8 }],
  ["tq1_0", stored256(7, 54)],
  ["tq2_0", stored256(8, 66)],
  ["mxfp4", { blockValues: 32, columnBytes: 136, vectorBytes: 48 }],
  ["nvfp4", stored32(9, 64, 36)],
  ["q1_0", stored32(10, 128, 18)],
  ["q2_0", stored32(11, 64, 18)],
]);

/** In the arithmetic `lanes`, where they are others: names of their kernels end with _lanes. */
export const LANE_LAYOUTS: ReadonlyMap<string, WasmLayout> = /* @__PURE__ */ new Map([
  ["f32", { blockValues: 1, columnBytes: 32, vectorBytes: 4, columns: 8 }],
  ["f16", { blockValues: 1, columnBytes: 16, vectorBytes: 4, columns: 8 }],
  ["bf16", { blockValues: 1, columnBytes: 16, vectorBytes: 4, columns: 8 }],
  ["q3_K", { blockValues: 256, columnBytes: 912, vectorBytes: 304, vectorsAs: "q2_K" }],
  ["q4_K", { blockValues: 256, columnBytes: 1184, vectorBytes: 288 }],
  ["q5_K", { blockValues: 256, columnBytes: 1440, vectorBytes: 288, vectorsAs: "q4_K_lanes" }],
  ["q6_K", { blockValues: 256, columnBytes: 1680, vectorBytes: 304, vectorsAs: "q2_K" }],
]);

/** Types with kernels that add products in 16 bits first. */
export const PAIR_TYPES: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q8_0",
  "mxfp4",
  "iq4_nl",
  "iq4_xs",
]);

/** Types whose levels the WebAssembly kernels count: those for which build 803 prints a histogram. */
export const WASM_COUNTED_TYPES: readonly string[] = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"];
