// Packing in workers. The main thread reads and writes; a piece and a buffer for its result go to the worker that has least to
// do and come back together.

import type { AbortSignal } from "@ll/bytes";
import { createWorkerPool, type SpawnWorker, type WorkerPool } from "@ll/bytes/workers";
import type { GgufPackerSet, KernelSet } from "@ll/quant";
import { WORKER_NAME } from "../worker-script.ts";
import { type Packer, PIECE_BYTES } from "./packer.ts";
import type { Packed, Request } from "./worker-loop.ts";

/** Pieces per worker: one that it packs and one that waits for it. */
const PIECES_PER_WORKER = 2;

interface Slot {
  source: ArrayBuffer;
  packed: ArrayBuffer;
}

export interface WorkerStart {
  readonly spawn: SpawnWorker;
  /** Of the script. */
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts `threads` workers. They begin to load while the kernels may still be compiled.
 * @throws what `kernels` or `packers` are rejected with; WorkerError if a worker cannot be started; the signal's reason
 */
export async function createWorkerPacker(
  threads: number,
  kernels: Promise<KernelSet>,
  packers: Promise<GgufPackerSet>,
  workers: WorkerStart,
): Promise<Packer> {
  // one more piece is being written
  const slots = Array.from({ length: PIECES_PER_WORKER * threads + 1 }, emptySlot);

  const sets = Promise.all([kernels, packers]);
  sets.catch(() => {}); // it is awaited when the workers run
  const pool = await createWorkerPool<Request, Packed | undefined>({ ...workers, count: threads, name: WORKER_NAME });

  /** The first failure ends it: a file without the piece is of no use. */
  async function ask(worker: number, request: Request, transfer?: readonly ArrayBuffer[]): Promise<Packed | undefined> {
    try {
      return await pool.ask(worker, request, transfer);
    } catch (error) {
      void pool.endWith(error as Error);
      throw error;
    }
  }

  try {
    const [set, packerSet] = await sets;
    for (let worker = 0; worker < pool.size; worker++) {
      ask(worker, { kind: "set-up", kernels: set, packers: packerSet }).catch(() => {}); // whoever asks next hears of it
    }
  } catch (error) {
    await pool.endWith(error as Error);
    throw error;
  }

  return {
    slots: slots.length,
    source: (slot, byteLength) => new Uint8Array((slots[slot] as Slot).source, 0, byteLength),
    async pack(index, byteLength, packing) {
      const slot = slots[index] as Slot;
      const { source, packed } = slot;
      const request: Request = { kind: "pack", packing, source, byteLength, packed };
      const answer = (await ask(leastBusy(pool), request, [source, packed])) as Packed;
      slot.source = answer.source;
      slot.packed = answer.packed;
      return { ...answer, bytes: new Uint8Array(answer.packed, 0, answer.byteLength) };
    },
    dispose: () => pool.endWith(new Error("the work is over")),
  };
}

function leastBusy({ size, nPending }: Pick<WorkerPool<unknown, unknown>, "size" | "nPending">): number {
  let least = 0;
  for (let worker = 1; worker < size; worker++) if (nPending(worker) < nPending(least)) least = worker;
  return least;
}

function emptySlot(): Slot {
  return { source: new ArrayBuffer(PIECE_BYTES), packed: new ArrayBuffer(PIECE_BYTES) };
}
