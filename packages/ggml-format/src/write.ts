// Writing ggjt v1 (what convert.py of llama.cpp build 803 writes) and ggjt v3 (what its quantize writes), to the byte:
// records in the order given, padding of zeros, nothing after the last tensor.

import type { ByteSink } from "@ll/bytes";
import { GGJT_MAGIC } from "./container.ts";
import { type GgmlPlan, HEADER_BYTES, layOut, type TensorRecord } from "./file-plan.ts";
import { setHyperParams } from "./hyper-params.ts";
import { setVocab } from "./vocab-section.ts";

/** Takes the tensors of a plan, one after the other. */
export interface GgmlWriter {
  /**
   * Writes the next tensor: its record, then the pieces in order. A piece may be reused once the next is asked for.
   * @throws RangeError if it is not the next of the plan, or the pieces have more or fewer bytes than planned; what the
   *   pieces or the sink throw. The file is then lost.
   */
  writeTensor(name: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** @throws RangeError if a tensor of the plan was not written, or not completely */
  finish(): Promise<void>;
}

/**
 * Begins a file: writes header and vocabulary. The caller commits or closes the sink after `finish`.
 * @throws RangeError for a plan whose file `openGgml` would refuse; what the sink throws
 */
export async function createGgmlWriter(sink: ByteSink, plan: GgmlPlan): Promise<GgmlWriter> {
  const { records, vocabEnd } = layOut(plan);
  const header = new Uint8Array(vocabEnd);
  const view = new DataView(header.buffer);
  view.setUint32(0, GGJT_MAGIC, true);
  view.setUint32(4, plan.version, true);
  setHyperParams(view, 8, plan.hyperParams);
  setVocab(header, HEADER_BYTES, plan.vocab);
  await sink.write(header);
  return recordWriter(sink, records);
}

/** Takes the tensors of `records` in their order. */
export function recordWriter(sink: ByteSink, records: readonly TensorRecord[]): GgmlWriter {
  let nBegun = 0;
  let nFinished = 0;
  return {
    async writeTensor(name, pieces) {
      const record = nBegun === nFinished ? records[nBegun] : undefined;
      if (record?.name !== name) {
        throw new RangeError(`"name" expected ${record?.name ?? "no tensor"}, got ${name}`);
      }
      nBegun++;
      await sink.write(recordHeader(record));
      const promised = record.end - record.dataOffset;
      let written = 0;
      for await (const piece of pieces) {
        written += piece.byteLength;
        if (written > promised) break;
        await sink.write(piece);
      }
      if (written !== promised) {
        const got = written > promised ? "more" : written;
        throw new RangeError(`"pieces" expected ${promised} bytes for tensor ${name}, got ${got}`);
      }
      nFinished++;
    },
    async finish() {
      if (nFinished < records.length) {
        throw new RangeError(`"finish" expected ${records.length} complete tensors, got ${nFinished}`);
      }
    },
  };
}

/** | n_dims | name length | type | ne, row length first | name | zeros up to the data | */
function recordHeader({ nameBytes, type, shape, start, dataOffset }: TensorRecord): Uint8Array {
  const header = new Uint8Array(dataOffset - start);
  const view = new DataView(header.buffer);
  const words = [shape.length, nameBytes.length, type.id, ...[...shape].reverse()];
  words.forEach((word, index) => {
    view.setUint32(4 * index, word, true);
  });
  header.set(nameBytes, 4 * words.length);
  return header;
}
