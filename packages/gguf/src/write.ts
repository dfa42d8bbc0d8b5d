// Writing GGUF version 3: the header in one piece, then tensors as they come.

import type { ByteSink } from "@ll/bytes";
import { type GgufPlan, layOut } from "./file-plan.ts";

/** Takes the tensors of a plan, one after the other. */
export interface GgufWriter {
  /**
   * Writes the next tensor, pieces in order, and its padding. A piece may be reused once the next is asked for.
   * @throws RangeError if it is not the next of the plan, or the pieces have more or fewer bytes than planned; what the
   *   pieces or the sink throw. The file is then lost.
   */
  writeTensor(name: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** @throws RangeError if a tensor of the plan was not written, or not completely */
  finish(): Promise<void>;
}

/**
 * Begins a file: writes everything before the data. The caller commits or closes the sink after `finish`.
 * @throws RangeError for a plan whose file `openGguf` would refuse; what the sink throws
 */
export async function createGgufWriter(sink: ByteSink, plan: GgufPlan): Promise<GgufWriter> {
  const { header, tensors } = layOut(plan);
  await sink.write(header);

  let nBegun = 0;
  let nFinished = 0;
  return {
    async writeTensor(name, pieces) {
      const tensor = nBegun === nFinished ? tensors[nBegun] : undefined;
      if (tensor?.name !== name) throw new RangeError(`"name" expected ${tensor?.name ?? "no tensor"}, got ${name}`);
      nBegun++;
      let written = 0;
      for await (const piece of pieces) {
        written += piece.byteLength;
        if (written > tensor.byteLength) break;
        await sink.write(piece);
      }
      if (written !== tensor.byteLength) {
        const got = written > tensor.byteLength ? "more" : written;
        throw new RangeError(`"pieces" expected ${tensor.byteLength} bytes for tensor ${name}, got ${got}`);
      }
      await sink.write(new Uint8Array(tensor.paddingBytes));
      nFinished++;
    },
    async finish() {
      if (nFinished < tensors.length) {
        throw new RangeError(`"finish" expected ${tensors.length} complete tensors, got ${nFinished}`);
      }
    },
  };
}
