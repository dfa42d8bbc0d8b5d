import { bindKernels, loadKernels } from "@ll/quant";
import { expect, test } from "vitest";
import { finishPiece, type LoadPiece } from "../../src/team/load-pieces.ts";

const PAGE = 65536;

test.each(["scalar", "simd"] as const)("%s: a piece is repacked only inside the memory", async (tier) => {
  const kernels = bindKernels(await loadKernels(tier), new WebAssembly.Memory({ initial: 2 }));
  const groupBytes = kernels.matrix("q4_0").weightBytes(8, 64);
  const piece = (address: number, matrixAddress: number): LoadPiece => ({
    name: "w",
    offset: 0,
    bytes: 8 * 36,
    address,
    repack: { type: "q4_0", columns: 64, row: 8, nRows: 8, matrixAddress },
  });
  const last = 2 * PAGE - 2 * groupBytes; // of two groups: the piece is the second
  expect(finishPiece(kernels, piece(PAGE, last))).toBe(0);
  expect(() => finishPiece(kernels, piece(PAGE, last + 32))).toThrow('"w" expected a span between');
  expect(() => finishPiece(kernels, piece(2 * PAGE, PAGE))).toThrow('"w" expected a span between');
});
