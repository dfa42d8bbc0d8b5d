// Workers that answer requests, each in the order in which it gets them: the side that asks, and the side that answers.

import { WorkerError } from "./errors.ts";
import { errorFrom, type PlainError, plainError } from "./plain-error.ts";
import { type StartOptions, startWorkers } from "./start-workers.ts";
import type { ParentPort } from "./worker-threads.ts";

export interface WorkerPool<Request, Answer> {
  readonly size: number;
  /** Why nothing can be asked any longer; undefined while it can. */
  readonly end: Error | undefined;
  /** Requests that a worker has not answered yet. */
  nPending(worker: number): number;
  /** @throws what the worker threw; the reason of the pool's end */
  ask(worker: number, request: Request, transfer?: readonly ArrayBuffer[]): Promise<Answer>;
  /** Ends all workers and fails what they were asked. Resolves when they are gone. */
  endWith(error: Error): Promise<void>;
}

export interface PoolOptions extends StartOptions {
  /** Hears the numbers that workers report while they work. If it throws, the pool ends. */
  readonly onProgress?: (n: number) => void;
  /** Hears of the end before the workers do. */
  readonly onEnd?: () => void;
  /** Default: `errorFrom`. */
  readonly errorOf?: (plain: PlainError) => Error;
}

type Reply =
  | { readonly kind: "answer"; readonly value: unknown }
  /** If the request broke what the workers do together, the pool ends. */
  | { readonly kind: "failure"; readonly error: PlainError; readonly isBroken: boolean }
  | { readonly kind: "progress"; readonly n: number };

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** @throws as `startWorkers` */
export async function createWorkerPool<Request, Answer>(options: PoolOptions): Promise<WorkerPool<Request, Answer>> {
  const { count, onProgress = () => {}, onEnd = () => {}, errorOf = errorFrom } = options;
  let end: Error | undefined;
  const queues = Array.from({ length: count }, (): Pending[] => []); // of each worker, in the order of the answers
  const handles = await startWorkers(options, (worker) => ({
    message: (message) => receive(worker, message as Reply),
    death: (reason, cause) => void endWith(deathOf(worker, reason, cause)),
  }));
  for (const handle of handles) handle.keepAlive(false);

  function deathOf(worker: number, reason: string, cause: unknown): WorkerError {
    return new WorkerError(`worker ${worker + 1} of ${count} died: ${reason}`, cause);
  }

  async function endWith(error: Error): Promise<void> {
    end ??= error;
    onEnd();
    for (const { reject } of queues.flatMap((queue) => queue.splice(0))) reject(end);
    await Promise.all(handles.map((handle) => handle.terminate()));
  }

  function receive(worker: number, reply: Reply): void {
    if (end !== undefined) return;
    if (reply.kind === "progress") {
      try {
        onProgress(reply.n);
      } catch (error) {
        void endWith(error as Error); // nobody else would hear of it
      }
      return;
    }
    if (reply.kind === "failure" && reply.isBroken) {
      const cause = errorOf(reply.error);
      void endWith(deathOf(worker, String(cause), cause));
      return;
    }
    const queue = queues[worker] as Pending[];
    const { resolve, reject } = queue.shift() as Pending;
    if (queue.length === 0) handles[worker]?.keepAlive(false);
    if (reply.kind === "answer") resolve(reply.value);
    else reject(errorOf(reply.error));
  }

  return {
    size: count,
    get end() {
      return end;
    },
    nPending: (worker) => (queues[worker] as Pending[]).length,
    ask(worker, request, transfer) {
      return new Promise((resolve, reject) => {
        if (end !== undefined) {
          reject(end);
          return;
        }
        queues[worker]?.push({ resolve: resolve as Pending["resolve"], reject });
        handles[worker]?.keepAlive(true);
        handles[worker]?.post(request, transfer);
      });
    },
    endWith,
  };
}

/** What a worker answers, and the buffers that go with it. */
export type WorkerAnswer = readonly [value: unknown, transfer?: readonly ArrayBuffer[]];

/**
 * The side of a worker: answers requests one after the other.
 * @param answer what it throws is the answer, too; `progress` reports a number
 * @param breaks whether a failure of the request leaves the other workers without a way on
 */
export function answerRequests<Request>(
  port: ParentPort,
  answer: (request: Request, progress: (n: number) => void) => WorkerAnswer,
  breaks: (request: Request) => boolean = () => false,
): void {
  const post = (reply: Reply, transfer?: readonly ArrayBuffer[]): void => port.post(reply, transfer);
  port.onMessage((message) => {
    const request = message as Request;
    try {
      const [value, transfer] = answer(request, (n) => post({ kind: "progress", n }));
      post({ kind: "answer", value }, transfer);
    } catch (error) {
      post({ kind: "failure", error: plainError(error), isBroken: breaks(request) });
    }
  });
}
