// Sizes of the WebAssembly kernels' layouts; asm/*.ts describe and use them.

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
}

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
  ["q5_K", { blockValues: 256, columnBytes: 1440, vectorBytes: 288 }],
  ["q6_K", { blockValues: 256, columnBytes: 1680, vectorBytes: 528 }],
  ["iq4_nl", { blockValues: 32, columnBytes: 144, vectorBytes: 80, rowsAs: "q4_0", vectorsAs: "q8_0" }],
  ["iq4_xs", { blockValues: 256, columnBytes: 1104, vectorBytes: 272 }],
  ["bf16", { blockValues: 1, columnBytes: 16, vectorBytes: 8 }],
  ["mxfp4", { blockValues: 32, columnBytes: 136, vectorBytes: 48 }],
]);

/** In the arithmetic `lanes`, where they are others: names of their kernels end with _lanes. */
export const LANE_LAYOUTS: ReadonlyMap<string, WasmLayout> = /* @__PURE__ */ new Map([
  ["f32", { blockValues: 1, columnBytes: 32, vectorBytes: 4, columns: 8 }],
  ["f16", { blockValues: 1, columnBytes: 16, vectorBytes: 4, columns: 8 }],
  ["bf16", { blockValues: 1, columnBytes: 16, vectorBytes: 4, columns: 8 }],
]);

/** Types whose levels the WebAssembly kernels count: those for which build 803 prints a histogram. */
export const WASM_COUNTED_TYPES: readonly string[] = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"];
