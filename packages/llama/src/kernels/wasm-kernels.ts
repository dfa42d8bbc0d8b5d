// The WebAssembly kernels (asm/) as `LlamaKernels`.

import { type ArithmeticName, assertMemorySpan } from "@ll/quant";
import { expTable, siluTable } from "../arithmetic/build803.ts";
import { type LlamaKernels, llamaScratchBytes, type WasmExports } from "./kernels.ts";
import { wasmAttention } from "./wasm-attention.ts";

const CONSTANT_BYTES = 1024;

/** Whether V8 made 256-bit code of it: see compile-kernels.ts of @ll/quant. */
export function isWideModule(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.customSections(module, "wide").length > 0;
}

/**
 * Kernels on `memory`, which may hold the instances of other modules as well.
 *
 * @param scratch start of `llamaScratchBytes(arithmetic)`, a multiple of 64, written here once and not to be touched afterwards
 * @throws RangeError if `scratch` does not fit
 */
export function bindLlamaKernels(
  module: WebAssembly.Module,
  arithmetic: ArithmeticName,
  memory: WebAssembly.Memory,
  scratch: number,
): LlamaKernels {
  assertMemorySpan(memory, "scratch", scratch, llamaScratchBytes(arithmetic));
  if (scratch % 64 !== 0) throw new RangeError(`"scratch" expected a multiple of 64, got ${scratch}`);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as WasmExports;
  exports.initialize(scratch, isWideModule(module) ? 1 : 0);
  const isLanes = arithmetic === "lanes";
  const exp16 = scratch + CONSTANT_BYTES;
  const silu16 = exp16 + 4 * 65536;
  if (!isLanes) {
    new Float32Array(memory.buffer, exp16, 65536).set(expTable());
    new Float32Array(memory.buffer, silu16, 65536).set(siluTable());
  }
  const gates = {
    silu: isLanes ? exports.swiglu_lanes : exports.swiglu,
    gelu: exports.geglu,
    "clamped swiglu": exports.clamped_swiglu,
    sigmoid: exports.sigmoid_gate,
    none: exports.multiply,
  };
  const turns = { adjacent: exports.rope, halves: exports.rope_halves };
  const { scale, cap, mix, addInto, slice, l2Norm, deltaNet, convolve } = exports;
  return {
    memory,
    rmsNorm: isLanes ? exports.rms_norm_lanes : exports.rms_norm,
    rope: (pairing, ...order) => turns[pairing](...order),
    gate: (activation, gate, up, n) => gates[activation](gate, up, n, silu16), // only `swiglu` takes the table
    attention: (shape) => wasmAttention(exports, isLanes ? undefined : exp16, shape),
    ...{ scale, cap, mix, addInto, slice, l2Norm, deltaNet, convolve },
  };
}
