import { test } from "@fast-check/vitest";
import { expect } from "vitest";
import type { AttentionShape } from "../../src/kernels/index.ts";
import { bindLlamaKernels, LLAMA_SCRATCH_BYTES, loadLlamaKernels } from "../../src/kernels/index.ts";
import { twinKernels } from "./twin.ts";

const PAGES = 64;
const START = 1024 + LLAMA_SCRATCH_BYTES + 448 - 512 + 64;
const module = (await loadLlamaKernels("simd"))!;

function both() {
  const m1 = new WebAssembly.Memory({ initial: PAGES });
  const m2 = new WebAssembly.Memory({ initial: PAGES });
  return [bindLlamaKernels(module, m1, 1024), twinKernels(m2)] as const;
}

function lcg(seed: number) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("attention", () => {
  let seed = 1;
  for (const kvType of ["f16", "f32"] as const)
    for (const headDim of [2, 6, 8, 12, 32, 34, 64, 100, 128])
      for (const group of [1, 2, 3, 5, 8])
        for (const [nPast, n] of [
          [0, 1],
          [0, 5],
          [3, 1],
          [31, 1],
          [30, 4],
          [40, 70],
          [97, 33],
        ] as const) {
          const shape: AttentionShape = { kvType, headDim, headsPerKvHead: group, contextTokens: nPast + n + 3 };
          const outs = both().map((k) => {
            const r = lcg(seed);
            const a = k.attention(shape);
            const w = group * headDim;
            let at = START;
            const place = (bytes: number) => {
              const p = at;
              at += Math.ceil(bytes / 64) * 64;
              return p;
            };
            const head = place(a.headBytes);
            const work = place(a.workBytes(n));
            const total = nPast + n;
            const ks = place(total * headDim * 4),
              vs = place(total * headDim * 4),
              q = place(n * w * 4),
              o = place(n * w * 4);
            k.checkSpan("end", 1024, at - 1024);
            const f = (p: number, len: number) => new Float32Array(k.memory.buffer, p, len);
            for (const [p, len] of [
              [ks, total * headDim],
              [vs, total * headDim],
              [q, n * w],
            ] as const) {
              const x = f(p, len);
              for (let i = 0; i < len; i++) x[i] = (r() - 0.5) * 4;
            }
            a.clear(head);
            a.store(head, ks, vs, 0, nPast, headDim);
            a.store(head, ks + 4 * nPast * headDim, vs + 4 * nPast * headDim, nPast, n, headDim);
            a.attend(head, q, o, work, nPast, n, w, w);
            return f(o, n * w).slice();
          });
          seed++;
          expect(new Uint32Array(outs[0]!.buffer), `${kvType} ${headDim} ${group} ${nPast} ${n}`).toEqual(
            new Uint32Array(outs[1]!.buffer),
          );
        }
});
