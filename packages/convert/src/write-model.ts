// The loop that conversion and quantisation share: tensor by tensor, piece by piece, with events and an abort in between.

import type { ByteSink } from "@ll/bytes";
import type { ModelTotals, TensorStep, WorkOptions } from "./events.ts";
import type { FilePlan } from "./file-plan.ts";
import type { PackedPiece, Packer } from "./packing/packer.ts";
import { type Piece, packedPieces } from "./pieces.ts";

/** Bins of a histogram. */
const BINS = 16;

/** A tensor of the plan and the pieces that give its bytes. */
export interface TensorWork extends Omit<TensorStep, "index" | "total"> {
  pieces(): Iterable<Piece>;
}

/** Writes `file`, whose tensors are those of `works`. @throws what reading, packing and the sink throw */
export async function writeModel(
  sink: ByteSink,
  file: FilePlan,
  works: readonly TensorWork[],
  packer: Packer,
  { onEvent, signal }: WorkOptions,
): Promise<ModelTotals> {
  signal?.throwIfAborted();
  const writer = await file.begin(sink);
  const totals = { tensors: works.length, bytesIn: 0, bytesOut: 0, histogram: new Float64Array(BINS) };
  // one sequence for all tensors: the first pieces of the next are read while the last ones of this are packed
  const packed = packedPieces(piecesOfAll(works), packer, signal);
  try {
    for (const [index, { pieces, ...facts }] of works.entries()) {
      const step: TensorStep = { index, total: works.length, ...facts };
      onEvent?.({ kind: "tensor-start", ...step });
      const histogram = new Float64Array(BINS); // (16)
      await writer.writeTensor(file.names[index] as string, bytesOf(packed, step.bytesOut, histogram, signal));
      onEvent?.({ kind: "tensor-done", ...step, histogram });
      totals.bytesIn += step.bytesIn;
      totals.bytesOut += step.bytesOut;
      addTo(totals.histogram, histogram);
    }
  } finally {
    await packed.return();
  }
  await writer.finish();
  onEvent?.({ kind: "totals", ...totals });
  return totals;
}

function* piecesOfAll(works: readonly TensorWork[]): Generator<Piece, void, void> {
  for (const work of works) yield* work.pieces();
}

/** The next pieces of `packed` until they have `nBytes`; adds their counts to `histogram` (16). */
async function* bytesOf(
  packed: AsyncGenerator<PackedPiece, void, void>,
  nBytes: number,
  histogram: Float64Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for (let done = 0; done < nBytes; ) {
    const next = await packed.next();
    if (next.done === true) return;
    signal?.throwIfAborted();
    addTo(histogram, next.value.histogram);
    done += next.value.bytes.byteLength;
    yield next.value.bytes;
  }
}

function addTo(bins: Float64Array, counts: ArrayLike<number>): void {
  for (let bin = 0; bin < BINS; bin++) bins[bin] = (bins[bin] as number) + (counts[bin] as number);
}
