// Requests that are made again while they fail in a way that passes.

import { type AbortSignal, isIoError } from "@ll/bytes";
import { isHubError } from "./errors.ts";

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: (event: RetryEvent) => void;
  /** Waits between attempts; for tests. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** A request failed and is made again after a while. */
export interface RetryEvent {
  readonly kind: "retry";
  readonly reason: string;
  readonly waitMs: number;
}

/** Attempts after the first. A body that brings anything gets all of them again. */
const RETRIES = 5;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 8000;
/** A server that wants a longer pause is not waited for. */
const MAX_ASKED_WAIT_MS = 5 * 60 * 1000;

/**
 * Makes an attempt again while it fails in a way that passes: an `IoError` of which that is known, or a hub that is busy. Nothing else is
 * tried twice.
 * @param attempt calls `progress` when it brings something
 */
export async function persist<T>(
  { signal, onEvent, wait = waitFor }: RetryOptions,
  attempt: (progress: () => void) => Promise<T>,
): Promise<T> {
  let [left, waitMs] = [RETRIES, FIRST_WAIT_MS];
  for (;;) {
    try {
      return await attempt(() => {
        [left, waitMs] = [RETRIES, FIRST_WAIT_MS];
      });
    } catch (error) {
      const passes = isIoError(error) ? error.mayPass : isHubError(error, "E_BUSY");
      const askedMs = isHubError(error) ? error.waitMs : undefined;
      if (!passes || left === 0 || (askedMs ?? 0) > MAX_ASKED_WAIT_MS) throw error;
      left -= 1;
      const pause = askedMs ?? waitMs;
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
      onEvent?.({ kind: "retry", reason: (error as Error).message, waitMs: pause });
      await wait(pause, signal);
    }
  }
}

export async function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort);
  });
}
