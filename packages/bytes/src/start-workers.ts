// Finding the script of workers, starting them, and being sure that they run.

import { isError } from "./arguments.ts";
import { printable, WorkerError } from "./errors.ts";
import { nodeModule } from "./node-modules.ts";
import type { AbortSignal as Signal, URL as Url } from "./platform-types.ts";
import type { ReadyMessage, SpawnWorker, WorkerHandle, WorkerListeners } from "./worker-threads.ts";

/** In a module of CommonJS, its path. */
declare const __filename: string | undefined;

/** Address of the classic script that this is bundled into, known while that runs for the first time; empty in modules. */
const CLASSIC_SCRIPT: string = /* @__PURE__ */ (() =>
  (globalThis.document?.currentScript as HTMLScriptElement | null | undefined)?.src ?? "")();

/**
 * A worker that has said nothing after so many looks is given up: about half a minute. Looks are counted, not time, so that a
 * process or page that was stopped in between does not give up on workers that were stopped as well.
 */
const READY_LOOKS = 60;
const READY_LOOK_MS = 500;

/** Workers that start at the same time: hundreds would leave no processor to hear a signal on, and be silent for long. */
const STARTING = 8;

/**
 * Where the script of a worker is.
 *
 * @param told by the user: an address, or on Node a path; relative to the page or the working directory
 * @param beside gives `new URL("./FILE", import.meta.url)`, the form that bundlers look for
 * @param file FILE: in bundles that are no modules, where `import.meta.url` is undefined, it is looked for beside the bundle
 * @throws TypeError if `told` is no address
 */
export function scriptUrl(told: string | Url | undefined, beside: () => Url, file: string): Url {
  if (told !== undefined) return toldUrl(told);
  try {
    return beside();
  } catch {
    return new URL(file, bundleUrl());
  }
}

function toldUrl(told: string | URL): URL {
  try {
    if (typeof told !== "string") return new URL(told.href);
    const node = nodeModule("node:url");
    if (node !== undefined && !/^(file|data|blob|https?):/i.test(told)) return node.pathToFileURL(told);
    return new URL(told, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new TypeError(`"workerUrl" expected the address of a script, got ${printable(String(told))}`, { cause });
  }
}

/** Of the file that runs, where it is no module. */
function bundleUrl(): URL | string {
  const node = nodeModule("node:url");
  if (node !== undefined && typeof __filename === "string") return node.pathToFileURL(__filename);
  return CLASSIC_SCRIPT || globalThis.document?.baseURI || globalThis.location?.href || "file:///";
}

export interface StartOptions {
  readonly spawn: SpawnWorker;
  readonly count: number;
  /** Package and version: what the workers must say that they are. */
  readonly name: string;
  /** Of their script. */
  readonly url: Url;
  readonly signal?: Signal | undefined;
}

/**
 * Starts workers, some at the same time, and waits until each has said that it runs.
 *
 * @param listenersOf the listeners of each worker; they hear nothing before all of them run
 * @throws WorkerError with the script's address and what to do, if a worker cannot be started, is something else or says nothing;
 * the signal's reason. All that were started are gone then.
 */
export async function startWorkers(
  { spawn, count, name, url, signal }: StartOptions,
  listenersOf: (index: number) => WorkerListeners,
): Promise<WorkerHandle[]> {
  const handles: WorkerHandle[] = [];
  const ready = new Set<number>();
  let isOver = false;
  let onAbort: (() => void) | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string, cause?: unknown): void => reject(startError(url, reason, name, cause));

      let looks = 0; // since a worker last began to run
      function startMore(): void {
        while (handles.length < count && handles.length - ready.size < STARTING) {
          try {
            start(handles.length);
          } catch (cause) {
            fail(isError(cause) ? cause.message : String(cause), cause);
            return;
          }
        }
      }

      function start(index: number): void {
        const listeners = listenersOf(index);
        const handle = spawn({
          message(message) {
            if (ready.has(index)) {
              listeners.message(message);
              return;
            }
            const other = (message as Partial<ReadyMessage> | null)?.ready;
            if (other === name) {
              ready.add(index);
              looks = 0;
              if (ready.size === count) resolve();
              else if (!isOver) startMore();
            } else {
              fail(other === undefined ? "it is another script" : `it is the worker of ${printable(other)}`);
            }
          },
          death(reason, cause) {
            if (ready.size === count) listeners.death(reason, cause);
            else fail(reason, cause);
          },
        });
        handles.push(handle);
      }

      signal?.throwIfAborted();
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      startMore();
      timer = setInterval(() => {
        looks += 1;
        if (looks === READY_LOOKS) fail("it has said nothing for half a minute");
      }, READY_LOOK_MS);
    });
    return handles;
  } catch (error) {
    isOver = true;
    await Promise.all(handles.map((handle) => handle.terminate()));
    throw error;
  } finally {
    clearInterval(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}

/** Longest address in a message: those that hold their script (`data:`) have no end. */
const URL_CHARS = 160;

function startError({ href }: URL, reason: string, name: string, cause: unknown): WorkerError {
  const address = printable(href, URL_CHARS);
  const packageName = name.replace(/ .*$/, "");
  const remedy = `put the file ${packageName}/worker of the same version there, or give its address as "workerUrl": see the README of ${packageName}`;
  return new WorkerError(`cannot start worker ${address}: ${reason}; ${remedy}`, cause, href);
}
