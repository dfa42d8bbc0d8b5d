// The loop that conversion and quantisation share: tensor by tensor, piece by piece, with events and an abort in between.

import type { ByteSink } from "@ll/bytes";
import type { ModelTotals, TensorStep, WorkOptions } from "./events.ts";
import type { FilePlan } from "./file-plan.ts";

/** Bins of a histogram. */
const BINS = 16;

/** A tensor of the plan and where its bytes come from. */
export interface TensorWork extends Omit<TensorStep, "index" | "total"> {
  /** The bytes in order; adds to `histogram` (16) what is counted on the way. */
  pieces(histogram: Float64Array): AsyncIterable<Uint8Array>;
}

/** Writes `file`, whose tensors are those of `works`. @throws what reading, packing and the sink throw */
export async function writeModel(
  sink: ByteSink,
  file: FilePlan,
  works: readonly TensorWork[],
  { onEvent, signal }: WorkOptions,
): Promise<ModelTotals> {
  signal?.throwIfAborted();
  const writer = await file.begin(sink);
  const totals = { tensors: works.length, bytesIn: 0, bytesOut: 0, histogram: new Float64Array(BINS) };
  for (const [index, { pieces, ...facts }] of works.entries()) {
    const step: TensorStep = { index, total: works.length, ...facts };
    onEvent?.({ kind: "tensor-start", ...step });
    const histogram = new Float64Array(BINS);
    await writer.writeTensor(file.names[index] as string, untilAborted(pieces(histogram), signal));
    onEvent?.({ kind: "tensor-done", ...step, histogram });
    totals.bytesIn += step.bytesIn;
    totals.bytesOut += step.bytesOut;
    for (let bin = 0; bin < BINS; bin++) totals.histogram[bin] = at(totals.histogram, bin) + at(histogram, bin);
  }
  await writer.finish();
  onEvent?.({ kind: "totals", ...totals });
  return totals;
}

async function* untilAborted(
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    yield piece;
  }
}

function at(bins: Float64Array, bin: number): number {
  return bins[bin] as number;
}
