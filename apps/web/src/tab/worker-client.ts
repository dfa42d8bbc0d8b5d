// The page's side of its worker: jobs, and the engine as a `fetch`.

import type { FetchEvent, FetchRequest, FromWorker, JobName, Jobs, TabError, ToWorker } from "./jobs.ts";

export interface CallOptions<Name extends JobName> {
  readonly onEvent?: (event: Jobs[Name]["event"]) => void;
  readonly signal?: AbortSignal | null | undefined;
}

/** What a job failed with. */
export class JobError extends Error {
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor({ name, code, message, hint }: TabError) {
    super(message);
    this.name = name;
    this.code = code;
    this.hint = hint;
  }
}

interface Waiting {
  event(event: unknown): void;
  result(result: unknown): void;
  error(error: unknown): void;
}

export interface TabWorker {
  /** @throws JobError; the signal's reason */
  call<Name extends JobName>(
    job: Name,
    request: Jobs[Name]["request"],
    options?: CallOptions<Name>,
  ): Promise<Jobs[Name]["result"]>;
  /** What asks the engine in the worker. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Ends it and all that it does, at once. */
  end(): void;
}

export function startTabWorker(): TabWorker {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "ll" });
  const waiting = new Map<number, Waiting>();
  let nCalls = 0;

  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    const one = waiting.get(data.id);
    if ("event" in data) {
      one?.event(data.event);
      return;
    }
    waiting.delete(data.id);
    if ("error" in data) one?.error(new JobError(data.error));
    else one?.result(data.result);
  });
  worker.addEventListener("error", (event) => failAll(event.message || "its script cannot be loaded"));

  function failAll(reason: string): void {
    const message = `the worker of the page has ended: ${reason}`;
    for (const one of waiting.values()) {
      one.error(new JobError({ name: "WorkerError", code: "E_WORKER", message, hint: undefined }));
    }
    waiting.clear();
  }

  async function call<Name extends JobName>(
    job: Name,
    request: Jobs[Name]["request"],
    { onEvent, signal }: CallOptions<Name> = {},
  ): Promise<Jobs[Name]["result"]> {
    signal?.throwIfAborted();
    const id = ++nCalls;
    const abort = (): void => worker.postMessage({ id, abort: true } satisfies ToWorker);
    signal?.addEventListener("abort", abort);
    try {
      return await new Promise<Jobs[Name]["result"]>((resolve, reject) => {
        waiting.set(id, {
          event: (event) => onEvent?.(event as Jobs[Name]["event"]),
          result: (result) => resolve(result as Jobs[Name]["result"]),
          error: reject,
        });
        worker.postMessage({ id, job, request } satisfies ToWorker);
      });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  return {
    call,
    fetch: (url, init = {}) => workerFetch(call, url, init),
    end() {
      worker.terminate();
      failAll("it was stopped");
    },
  };
}

async function workerFetch(call: TabWorker["call"], url: string, init: RequestInit): Promise<Response> {
  const request: FetchRequest = {
    url,
    method: init.method ?? "GET",
    headers: [...new Headers(init.headers)],
    body: typeof init.body === "string" ? init.body : undefined,
  };
  const stop = new AbortController();
  const signal = init.signal ? AbortSignal.any([init.signal, stop.signal]) : stop.signal;
  return new Promise<Response>((resolve, reject) => {
    /** Undefined before the first bytes, and after whoever reads them wants no more. */
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const onEvent = (event: FetchEvent): void => {
      if (event.kind === "bytes") {
        stream?.enqueue(event.bytes);
        return;
      }
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
        },
        cancel() {
          stream = undefined;
          stop.abort();
        },
      });
      resolve(
        new Response(body, { status: event.status, headers: event.headers.map(([name, value]) => [name, value]) }),
      );
    };
    call("fetch", request, { onEvent, signal }).then(
      () => stream?.close(),
      (error: unknown) => {
        reject(error); // without effect once there is an answer
        stream?.error(error);
      },
    );
  });
}
