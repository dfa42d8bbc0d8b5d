// GJ14 and GJ22: the set of tensors that makes a LLaMA.

import { expect } from "vitest";
import { type RawTensor, smallModel, smallTensors } from "../ggml-bytes.ts";
import type { Row } from "./row.ts";

const anywhere = expect.any(Number) as number;

/** The small model with one tensor changed, or left out. */
function withTensor(name: string, change: Partial<RawTensor> | undefined): Uint8Array {
  const tensors = smallTensors().flatMap((tensor) =>
    tensor.name !== name ? [tensor] : change === undefined ? [] : [{ ...tensor, ...change }],
  );
  return smallModel({ tensors });
}

const extraNames: readonly Row[] = ["__proto__", "constructor", "toString", "rope.freqs"].map((name) => ({
  id: name === "rope.freqs" ? "GJ22" : "GJ14",
  input: `one tensor more: ${name}`,
  bytes: smallModel({ tensors: [...smallTensors(), { name, ne: [4] }] }),
  weights: true,
  check: (file) => expect(file.tensor(name)?.name).toBe(name),
  refused: [
    "E_UNKNOWN_TENSOR",
    smallModel().length + 32,
    name,
    "12 tensors",
    13,
    "llama.cpp: file contained more tensors than expected",
  ],
}));

const withoutWo = withTensor("layers.0.attention.wo.weight", undefined);

const missing: Row = {
  id: "GJ22",
  input: "one tensor missing",
  bytes: withoutWo,
  weights: true,
  refused: [
    "E_MISSING_TENSOR",
    withoutWo.length,
    "layers.0.attention.wo.weight",
    "    8 x     8",
    "no such tensor",
    "llama.cpp: tensor 'layers.0.attention.wo.weight' is missing from model",
  ],
};

const shapes: readonly Row[] = (
  [
    ["tok_embeddings.weight", [8, 4], 128, "    8 x     5", "    8 x     4"],
    ["tok_embeddings.weight", [8, 6], 128, "    8 x     5", "    8 x     6"],
    ["layers.0.attention.wq.weight", [4, 8], anywhere, "    8 x     8", "    4 x     8"],
    ["layers.0.feed_forward.w1.weight", [24, 8], anywhere, "    8 x    24", "   24 x     8"],
    ["norm.weight", [8, 1], anywhere, "    8", "    8 x     1"],
  ] as const
).map(([name, ne, offset, expected, got]): Row => {
  const says = `llama.cpp: tensor '${name}' has wrong shape; expected ${expected}, got ${got}`;
  const bytes = withTensor(name, { ne });
  const input = `${name} with ne ${ne.join(" x ")}`;
  return { id: "GJ22", input, bytes, weights: true, refused: ["E_SHAPE", offset, name, expected, got, says] };
});

const halfNorm: Row = {
  id: "GJ22",
  input: "norm in f16",
  bytes: withTensor("norm.weight", { type: 1 }),
  weights: true,
  refused: ["E_DTYPE", anywhere, "norm.weight", "f32", "f16"],
};

const vocabularyOnly: Row = {
  id: "GJ22",
  input: "vocabulary only, with the hyper-parameters of a model",
  bytes: smallModel({ tensors: [] }),
  check: (file) => expect(file.tensors).toEqual([]),
};

export const modelRows: readonly Row[] = [...extraNames, missing, ...shapes, halfNorm, vocabularyOnly];
