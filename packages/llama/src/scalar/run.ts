// The scalar engine: a model's operations, one after the other, in plain loops. Read it with the family's file in
// @ll/architectures, which lists them, and with ../ops, where each of them is.

import { lastUses, type Value, type Weight } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { InputCounter } from "../input-sums.ts";
import { opKind } from "../ops/index.ts";
import type { ScalarRun } from "../ops/op.ts";
import { expertRows, type Weights } from "../weights.ts";

/** What a slice of tokens is evaluated with. */
export interface SliceOrder extends Omit<ScalarRun, "nRows" | "rows" | "tensor" | "numbers"> {
  readonly weights: Weights;
  /** How many of the last tokens the logits are wanted of; 0 leaves out all that only they need. */
  readonly nWanted: number;
  /** Adds up what meets the matrices. */
  readonly inputs: InputCounter | undefined;
}

/** Evaluates a slice: fills its places in the cache, and `logits` and `embedding` if they are wanted. */
export async function runSlice(order: SliceOrder): Promise<void> {
  const { weights, tokens, nWanted, inputs } = order;
  const { graph, tensors } = weights;
  const last = lastUses(graph.ops);
  const arrays = new Map<Value, Float32Array>(); // of the values that are needed now
  const tensor = ({ role }: Weight) => tensors.get(role)!;
  const nRows = ({ rows, perToken }: Value): number => perToken * (rows === "wanted" ? nWanted : tokens.length);
  const run: ScalarRun = {
    ...order,
    nRows,
    rows(value) {
      let array = arrays.get(value);
      if (array === undefined) {
        array = allocate("the activations", () => new Float32Array(nRows(value) * value.width));
        arrays.set(value, array);
      }
      return array;
    },
    tensor,
    numbers(weight, expert = 0) {
      const { buffer } = tensor(weight).data;
      const [rows, columns = 1] = weight.shape;
      const first = expert * expertRows(weight) + weight.firstRow;
      return new Float32Array(buffer, 4 * first * columns, rows! * columns);
    },
  };
  for (const [i, op] of graph.ops.entries()) {
    if (op.kind === "select" && nWanted === 0) return;
    const input = inputs?.input(op);
    if (input !== undefined) inputs?.add(op, run.rows(input.x), input.route && run.rows(input.route));
    await opKind(op).scalar(op, run);
    for (const value of op.reads) if (last.get(value) === i) arrays.delete(value);
  }
}
