// The model behind a server, through its life: it loads, answers, is loaded again when its engine fails, and is closed.

import { isWorkerError } from "@ll/bytes";
import type { ChatModel } from "@ll/chat";
import { ApiError } from "@ll/openai-api";

export type HostState = "loading" | "ready" | "reloading" | "draining" | "failed";

export interface ModelHostOptions {
  /** Opens the model, also again. */
  readonly open: () => Promise<ChatModel>;
  /** Told of a model that is ready, and of one that failed. */
  readonly onReady: (model: ChatModel) => void;
  readonly onReload: (reason: unknown) => void;
  /** The engine failed, and could not be started again. */
  readonly onFailed: (reason: unknown) => void;
  readonly now?: () => number;
}

/** Reloads in so many milliseconds; the next failure is the last. */
const MAX_RELOADS = 3;
const RELOADS_MS = 600_000;

/** Milliseconds without a step, while something runs, after which the engine is taken to be stuck; at least, and in steps. */
const STALLED_MS = 60_000;
const STALLED_STEPS = 20;

const MAX_STEPS = 64;

export class ModelHost {
  readonly #options: ModelHostOptions;
  readonly #now: () => number;
  #state: HostState = "loading";
  #model: ChatModel | undefined;
  #reloads: number[] = [];
  #stepMs: number[] = [];
  #steppedAt = 0;
  #isLeaving = false;

  constructor(options: ModelHostOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get state(): HostState {
    return this.#state;
  }

  /** Balancers may send requests here. */
  get isReady(): boolean {
    return this.#state === "ready" && !this.#isLeaving && !this.isStalled;
  }

  /** undefined as long as it loads. */
  get model(): ChatModel | undefined {
    return this.#model;
  }

  get isStalled(): boolean {
    if (this.#state !== "ready" || this.#model?.stats().running === 0) return false;
    const median = this.#stepMs.toSorted((a, b) => a - b)[this.#stepMs.length >> 1] ?? 0;
    return this.#now() - this.#steppedAt > Math.max(STALLED_MS, STALLED_STEPS * median);
  }

  /** @throws what opening throws */
  async load(): Promise<void> {
    const model = await this.#options.open();
    if (this.#state === "draining") {
      await model.dispose();
      return;
    }
    this.#model = model;
    this.#state = "ready";
    this.#steppedAt = this.#now();
    this.#options.onReady(model);
  }

  /** Something began to run. */
  started(): void {
    if (this.#model?.stats().running === 0) this.#steppedAt = this.#now();
  }

  stepped(ms: number): void {
    this.#steppedAt = this.#now();
    this.#stepMs.push(ms);
    if (this.#stepMs.length > MAX_STEPS) this.#stepMs.shift();
  }

  /** What an answer failed with: a model whose engine is dead is loaded again. */
  async answerFailed(error: unknown): Promise<void> {
    const cause = error instanceof Error ? error.cause : undefined;
    if (this.#state !== "ready" || !isWorkerError(cause)) return;
    this.#state = "reloading";
    const dead = this.#model;
    this.#model = undefined;
    this.#options.onReload(cause);
    const since = this.#now() - RELOADS_MS;
    this.#reloads = [...this.#reloads.filter((at) => at > since), this.#now()];
    try {
      if (this.#reloads.length > MAX_RELOADS) throw cause;
      await dead?.dispose().catch(() => undefined);
      await this.load();
    } catch (reason) {
      this.#state = "failed";
      this.#options.onFailed(reason);
    }
  }

  /** Not ready any more; whoever asks nevertheless is answered. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** No new answers. */
  drain(): void {
    this.#state = "draining";
  }

  /** Ends answers that still run. */
  async close(): Promise<void> {
    this.drain();
    await this.#model?.dispose();
  }

  /** The model. @throws ApiError 503 while there is none to ask */
  ready(): ChatModel {
    if (this.#state === "ready" && this.#model !== undefined) return this.#model;
    throw this.unready();
  }

  /** Why it is not ready, for balancers. */
  get trouble(): Exclude<HostState, "ready"> | "stalled" {
    if (this.#isLeaving) return "draining";
    return this.#state === "ready" ? "stalled" : this.#state;
  }

  unready(): ApiError {
    const code = this.trouble;
    const messages: Readonly<Record<typeof code, string>> = {
      loading: "The model is being loaded",
      reloading: "The engine failed; the model is being loaded again",
      draining: "The server is going down",
      failed: "The engine failed, and could not be started again",
      stalled: "The engine does not move",
    };
    return new ApiError({
      status: 503,
      code: code === "reloading" || code === "failed" ? "engine_failed" : code,
      message: messages[code],
      headers: { "retry-after": "2", ...(code === "draining" && { connection: "close" }) },
    });
  }
}
