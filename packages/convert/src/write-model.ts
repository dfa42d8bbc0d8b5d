// The loop that conversion and quantisation share: tensor by tensor, piece by piece, with events and an abort in between.

import type { ByteSink } from "@ll/bytes";
import type { LostValues, ModelTotals, TensorStep, WorkOptions } from "./events.ts";
import type { FilePlan } from "./file-plan.ts";
import { addLost, lostError } from "./packing/lost-values.ts";
import type { PackedPiece, Packer } from "./packing/packer.ts";
import { type Piece, packedPieces } from "./pieces.ts";

/** Bins of a histogram. */
const BINS = 16;

/** A tensor of the plan and the pieces that give its bytes. */
export interface TensorWork extends Omit<TensorStep, "index" | "total"> {
  pieces(): Iterable<Piece>;
}

/** A file to be written, the tensors in it, and where it goes. */
export interface ModelPart {
  readonly file: FilePlan;
  readonly works: readonly TensorWork[];
  readonly sink: ByteSink;
}

/**
 * Writes the files of a model, which are one as a rule.
 * @param refuses whether values that the new type cannot hold are an error, unless all are allowed
 * @throws ConvertError `E_NUMBER`; what reading, packing and the sink throw
 */
export async function writeModel(
  parts: readonly ModelPart[],
  packer: Packer,
  { onEvent, signal, allowNonFinite = false }: WorkOptions,
  refuses: (lost: LostValues) => boolean,
): Promise<ModelTotals> {
  signal?.throwIfAborted();
  const works = parts.flatMap((part) => part.works);
  const totals = { tensors: works.length, bytesIn: 0, bytesOut: 0, histogram: new Float64Array(BINS) };
  // one sequence for all tensors: the first pieces of the next are read while the last ones of this are packed
  const packed = packedPieces(piecesOfAll(works), packer, signal);
  let index = 0;
  try {
    for (const { file, sink, works } of parts) {
      const writer = await file.begin(sink);
      for (const [place, { pieces, ...facts }] of works.entries()) {
        const step: TensorStep = { index: index++, total: totals.tensors, ...facts };
        onEvent?.({ kind: "tensor-start", ...step });
        const histogram = new Float64Array(BINS); // (16)
        const found: Found = { histogram, lost: undefined };
        await writer.writeTensor(file.names[place] as string, bytesOf(packed, step.bytesOut, found, signal));
        const { lost } = found;
        if (lost !== undefined && !allowNonFinite && refuses(lost)) throw lostError(step.name, step.toType, lost);
        onEvent?.({ kind: "tensor-done", ...step, histogram, ...(lost !== undefined && { lost }) });
        totals.bytesIn += step.bytesIn;
        totals.bytesOut += step.bytesOut;
        addTo(totals.histogram, histogram);
      }
      await writer.finish();
    }
  } finally {
    await packed.return();
  }
  onEvent?.({ kind: "totals", ...totals });
  return totals;
}

function* piecesOfAll(works: readonly TensorWork[]): Generator<Piece, void, void> {
  for (const work of works) yield* work.pieces();
}

/** What the pieces of a tensor add up to. */
interface Found {
  readonly histogram: Float64Array; // (16)
  lost: LostValues | undefined;
}

/** The next pieces of `packed` until they have `nBytes`; adds what was found in them to `found`. */
async function* bytesOf(
  packed: AsyncGenerator<PackedPiece, void, void>,
  nBytes: number,
  found: Found,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for (let done = 0; done < nBytes; ) {
    const next = await packed.next();
    if (next.done === true) return;
    signal?.throwIfAborted();
    addTo(found.histogram, next.value.histogram);
    found.lost = addLost(found.lost, next.value.lost);
    done += next.value.bytes.byteLength;
    yield next.value.bytes;
  }
}

function addTo(bins: Float64Array, counts: ArrayLike<number>): void {
  for (let bin = 0; bin < BINS; bin++) bins[bin] = (bins[bin] as number) + (counts[bin] as number);
}
