// The worker of the page: everything that reads a model, so that no file can stop the page. One worker looks, converts and keeps, another
// has the engine; both are this script, and what a job needs is loaded with the first one. So are the threads that these two start: what
// they share is loaded once.

import type { FromWorker, JobName, Jobs, TabError, ToWorker } from "./jobs.ts";

type Run<Name extends JobName> = (
  request: Jobs[Name]["request"],
  tell: (event: Jobs[Name]["event"]) => void,
  signal: AbortSignal,
) => Promise<Jobs[Name]["result"]>;

const RUN: { readonly [Name in JobName]: () => Promise<Run<Name>> } = {
  look: async () => (await import("./look.ts")).look,
  targets: async () => (await import("./targets.ts")).targets,
  convert: async () => (await import("./convert.ts")).convert,
  keep: async () => (await import("./keep.ts")).keep,
  open: async () => (await import("./engine.ts")).open,
  fetch: async () => (await import("./engine.ts")).answer,
};

const running = new Map<number, AbortController>();
const send = (message: FromWorker): void => globalThis.postMessage(message);

/** By the end of the address of this script. They hear nothing before they have said that they are there. */
const THREADS: Readonly<Record<string, () => Promise<unknown>>> = {
  "#llama": () => import("@ll/llama/worker"),
  "#convert": () => import("@ll/convert/worker"),
};

const serve = THREADS[globalThis.location.hash];
if (serve === undefined) globalThis.addEventListener("message", onMessage);
else await serve();

function onMessage({ data }: MessageEvent<ToWorker>): void {
  if ("abort" in data) {
    running.get(data.id)?.abort(new DOMException("stopped", "AbortError"));
    return;
  }
  const { id, job, request } = data;
  const controller = new AbortController();
  running.set(id, controller);
  const tell = (event: unknown): void => send({ id, event });
  const work = async (): Promise<unknown> => {
    const run = (await RUN[job]()) as Run<JobName>;
    return run(request, tell as never, controller.signal);
  };
  work()
    .then(
      (result) => send({ id, result }),
      (error: unknown) => send({ id, error: plain(error) }),
    )
    .finally(() => running.delete(id));
}

function plain(error: unknown): TabError {
  const { name, code, message, hint } = (error ?? {}) as Partial<Record<keyof TabError, unknown>>;
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  return {
    name: text(name) ?? "Error",
    code: text(code),
    message: text(message) ?? String(error),
    hint: text(hint),
  };
}
