// Packing in workers. The main thread reads and writes; a piece and a buffer for its result go to the worker that has least to
// do and come back together.

import { type AbortSignal, WorkerError } from "@ll/bytes";
import { errorFrom, type SpawnWorker, startWorkers, type WorkerHandle } from "@ll/bytes/workers";
import type { KernelSet } from "@ll/quant";
import { WORKER_NAME } from "../worker-script.ts";
import { type PackedPiece, type Packer, PIECE_BYTES } from "./packer.ts";
import type { Reply, Request } from "./protocol.ts";

/** Pieces per worker: one that it packs and one that waits for it. */
const PIECES_PER_WORKER = 2;

interface Slot {
  source: ArrayBuffer;
  packed: ArrayBuffer;
}

/** A piece that was sent and has not come back. */
interface Pending {
  readonly slot: Slot;
  resolve(piece: PackedPiece): void;
  reject(error: Error): void;
}

interface Member {
  readonly handle: WorkerHandle;
  /** In the order in which they will come back. */
  readonly pending: Pending[];
}

export interface WorkerStart {
  readonly spawn: SpawnWorker;
  /** Of the script. */
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts `threads` workers. They begin to load while the kernels may still be compiled.
 * @throws what `kernels` is rejected with; WorkerError if a worker cannot be started; the signal's reason
 */
export async function createWorkerPacker(
  threads: number,
  kernels: Promise<KernelSet>,
  workers: WorkerStart,
): Promise<Packer> {
  let end: Error | undefined; // why nothing can be packed any longer
  // one more piece is being written
  const slots = Array.from({ length: PIECES_PER_WORKER * threads + 1 }, emptySlot);

  kernels.catch(() => {}); // it is awaited when the workers run
  const handles = await startWorkers({ ...workers, count: threads, name: WORKER_NAME }, (i) => ({
    message: (message) => receive(members[i] as Member, message as Reply),
    death: (reason, cause) => void endWith(new WorkerError(`worker ${i + 1} of ${threads} died: ${reason}`, cause)),
  }));
  const members = handles.map((handle): Member => ({ handle, pending: [] }));

  async function endWith(error: Error): Promise<void> {
    end ??= error;
    for (const { reject } of members.flatMap(({ pending }) => pending.splice(0))) reject(end);
    await Promise.all(members.map(({ handle }) => handle.terminate()));
  }

  function receive(member: Member, reply: Reply): void {
    if (end !== undefined) return;
    if (reply.kind === "failure") {
      void endWith(errorFrom(reply.error));
      return;
    }
    const { source, packed, byteLength, histogram, lost } = reply;
    const { slot, resolve } = member.pending.shift() as Pending;
    slot.source = source;
    slot.packed = packed;
    resolve({ bytes: new Uint8Array(packed, 0, byteLength), histogram, lost });
  }

  function post(member: Member, request: Request, transfer?: readonly ArrayBuffer[]): void {
    member.handle.post(request, transfer);
  }

  try {
    const set = await kernels;
    for (const member of members) post(member, { kind: "set-up", kernels: set });
  } catch (error) {
    await endWith(error as Error);
    throw error;
  }

  return {
    slots: slots.length,
    source: (slot, byteLength) => new Uint8Array((slots[slot] as Slot).source, 0, byteLength),
    pack(index, byteLength, packing) {
      return new Promise((resolve, reject) => {
        if (end !== undefined) {
          reject(end);
          return;
        }
        const slot = slots[index] as Slot;
        const { source, packed } = slot;
        const member = members.reduce((least, next) => (next.pending.length < least.pending.length ? next : least));
        member.pending.push({ slot, resolve, reject });
        post(member, { kind: "pack", packing, source, byteLength, packed }, [source, packed]);
      });
    },
    dispose: () => endWith(new Error("the work is over")),
  };
}

function emptySlot(): Slot {
  return { source: new ArrayBuffer(PIECE_BYTES), packed: new ArrayBuffer(PIECE_BYTES) };
}
