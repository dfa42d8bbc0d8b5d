// The engine in its worker: a model that is open, and OpenAI's API over it. The page talks to it as to a server.

import { type ChatModel, openModel } from "@ll/chat";
import { modelMemory } from "@ll/llama";
import { openModelFile } from "@ll/model";
import { createHandler, type Handler } from "@ll/openai-api";
import type { FetchEvent, FetchRequest, Opened, OpenRequest } from "./jobs.ts";
import { sourcesOf } from "./sources.ts";

let handler: Handler | undefined;

/** Bytes of one try: a WebAssembly memory has 4 GiB at most. */
const TRIAL_BYTES = 2 ** 31;
const PAGE_BYTES = 65_536;

/** Opens a model; one in a worker, which ends with it. @throws FormatError, ModelError, MemoryError, IoError; the signal's reason */
export async function open(
  { place, contextTokens, threads }: OpenRequest,
  tell: (progress: string) => void,
  signal: AbortSignal,
): Promise<Opened> {
  const sources = await sourcesOf(place);
  if (contextTokens !== undefined) await assertMemory(sources, contextTokens, threads);
  const model: ChatModel = await openModel(sources, {
    contextTokens,
    threads,
    parallel: 1,
    workerUrl: "#llama",
    signal,
    onEvent(event) {
      if (event.kind === "weights-loaded") tell(`${Math.floor((100 * event.bytes) / Math.max(1, event.total))} %`);
    },
  });
  handler = createHandler(model);
  const { info } = model;
  return {
    name: info.name,
    threads: info.threads,
    kernels: info.kernels,
    contextTokens: info.contextTokens,
    warnings: info.warnings,
  };
}

/** Tries whether the browser gives as much memory as will be needed, before anything is read. @throws RangeError that says how much that is */
async function assertMemory(
  sources: Parameters<typeof openModelFile>[0],
  contextTokens: number,
  threads: number,
): Promise<void> {
  const file = await openModelFile(sources);
  const need = await modelMemory(file.source, file.config(), { contextTokens, threads });
  const bytes = need.model + need.context;
  const trial: WebAssembly.Memory[] = [];
  try {
    for (let rest = bytes; rest > 0; rest -= TRIAL_BYTES) {
      trial.push(new WebAssembly.Memory({ initial: Math.ceil(Math.min(rest, TRIAL_BYTES) / PAGE_BYTES) }));
    }
  } catch {
    const message = `the model needs ${bytes} bytes with a context of ${contextTokens} tokens, and the browser does not give them`;
    throw Object.assign(new RangeError(message), { hint: "take a smaller context, or a smaller type" });
  }
}

/** Answers one request; the answer is told as it comes. */
export async function answer(
  { url, method, headers, body }: FetchRequest,
  tell: (event: FetchEvent) => void,
  signal: AbortSignal,
): Promise<undefined> {
  if (handler === undefined) throw new TypeError("no model is open");
  const list = headers.map(([name, value]): [string, string] => [name, value]);
  const response = await handler(url, { method, headers: list, signal, ...(body !== undefined && { body }) });
  tell({ kind: "head", status: response.status, headers: [...response.headers] });
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    tell({ kind: "bytes", bytes: part.value });
  }
}
