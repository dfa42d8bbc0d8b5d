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
  | "store_keys"
  | "store_values"
  | "store_blocks"
  | "attend_f16"
  | "attend_f32"
  | "attend_lanes"
  | "copy_keys"
  | "copy_values"
  | "copy_blocks";
