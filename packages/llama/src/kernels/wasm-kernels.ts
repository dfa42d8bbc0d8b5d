// The WebAssembly kernels (asm/) as `LlamaKernels`.

import type { ArithmeticName } from "@ll/quant";
import { expTable, siluTable } from "../arithmetic/build803.ts";
import type { LlamaKernels } from "./kernels.ts";
import { wasmAttention } from "./wasm-attention.ts";
import type { WasmExports } from "./wasm-exports.ts";

const CONSTANT_BYTES = 1024;

/** Whether V8 made 256-bit code of it: see compile-kernels.ts of @ll/quant. */
export function isWideModule(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.customSections(module, "wide").length > 0;
}

/** @param scratch `llamaScratchBytes(arithmetic)` at a multiple of 64 */
export function wasmKernels(
  module: WebAssembly.Module,
  arithmetic: ArithmeticName,
  memory: WebAssembly.Memory,
  scratch: number,
): LlamaKernels {
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
  const norm = isLanes ? exports.rms_norm_lanes : exports.rms_norm;
  const rope = { adjacent: exports.rope, halves: exports.rope_halves };
  return {
    memory,
    rmsNorm: (out, x, weight, nRows, nValues, eps) => norm(out, x, weight, nRows, nValues, eps),
    rope: (pairing, x, angles, nRows, nHeads, headDim, nRot, rowStride) =>
      rope[pairing](x, angles, nRows, nHeads, headDim, nRot, rowStride),
    gate: (activation, gate, up, n) => gates[activation](gate, up, n, silu16), // only `swiglu` takes the table
    scale: (x, n, factor) => exports.scale(x, n, factor),
    cap: (x, n, softCap) => exports.cap(x, n, softCap),
    mix: (out, rows, weights, n, nUsed, width, stride) => exports.mix(out, rows, weights, n, nUsed, width, stride),
    addInto: (x, y, n) => exports.add_into(x, y, n),
    slice: (out, x, nGroups, group, first, size) => exports.slice(out, x, nGroups, group, first, size),
    l2Norm: (x, nRows, n, eps) => exports.l2_norm(x, nRows, n, eps),
    deltaNet: (...order) => exports.delta_net(...order),
    convolve: (out, x, weight, before, after, n, width, nTaps, silu) =>
      exports.convolve(out, x, weight, before, after, n, width, nTaps, silu ? 1 : 0),
    attention: (shape) => wasmAttention(exports, isLanes ? undefined : exp16, shape),
  };
}
