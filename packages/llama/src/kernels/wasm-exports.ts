// The functions of the WebAssembly module.

/** The exported functions of asm/index.ts. */
export type WasmExports = Readonly<Record<WasmExport, (...args: number[]) => void>>;

type WasmExport =
  | "initialize"
  | "rms_norm"
  | "rms_norm_lanes"
  | "rope"
  | "rope_halves"
  | "swiglu"
  | "swiglu_lanes"
  | "geglu"
  | "clamped_swiglu"
  | "sigmoid_gate"
  | "multiply"
  | "slice"
  | "scale"
  | "cap"
  | "mix"
  | "add_into"
  | "convolve"
  | "l2_norm"
  | "delta_net"
  | "clear_head"
  | "store_positions"
  | "attend_f16"
  | "attend_f32"
  | "attend_f16_lanes"
  | "attend_f32_lanes"
  | "read_keys"
  | "write_keys"
  | "read_values"
  | "write_values";
