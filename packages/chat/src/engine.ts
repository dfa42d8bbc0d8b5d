// Many sequences over one model: a queue, contexts that remember what they hold, and a loop of steps. In a step every sequence gets one
// row, or several of its prompt; all rows go through the model together. No result depends on who else runs.

import { type Context, ContextOverflowError, type KvType, MemoryError, type Model } from "@ll/llama";
import type { Sampler } from "@ll/sampling";
import { AnswerError } from "./errors.ts";

/** What one sequence wants. */
export interface SequenceRequest {
  readonly prompt: readonly number[];
  readonly sampler: Pick<Sampler, "sample">;
  /** Most tokens that are drawn. */
  readonly maxTokens: number;
  /** Greater goes first. */
  readonly priority: number;
  /** Whether positions of earlier sequences may be taken over. */
  readonly reuse: boolean;
  readonly signal: AbortSignal;
  /** Positions of the prompt that are in the cache; 0 when it is accepted. */
  onPrompt(done: number, cached: number): void;
  /** Takes a drawn id. True ends the sequence. */
  onToken(id: number, logits: Float32Array): boolean; // logits: (nVocab)
}

export interface SequenceReport {
  /** "full": most tokens, or the end of the context. */
  readonly finish: "ended" | "full";
  readonly cachedTokens: number;
  readonly drawnTokens: number;
  /** Milliseconds: waiting, reading the prompt, generating. */
  readonly queueMs: number;
  readonly promptMs: number;
  readonly generateMs: number;
}

export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly contexts: number;
  /** Tokens evaluated since the model was opened. */
  readonly evaluatedTokens: number;
}

export interface EngineOptions {
  readonly contextTokens: number;
  /** Sequences that run at the same time. */
  readonly parallel: number;
  readonly kvType?: KvType | undefined;
}

/** Rows of prompts in one step, in all; and what each prompt has at least. */
const STEP_ROWS = 64;
const LEAST_ROWS = 8;

/** Positions from which on it is cheaper to copy them than to evaluate them again. */
const LEAST_COPIED = 8;

/** Positions that stay free behind a prompt. */
export const RESERVED_TOKENS = 4;

interface Slot {
  readonly context: Context;
  /** What its positions hold. */
  ids: number[];
  isBusy: boolean;
  lastUsed: number;
}

interface Sequence {
  readonly request: SequenceRequest;
  readonly ids: number[]; // the prompt, then what was drawn
  readonly history: Int32Array; // (contextTokens): zeros, then all ids, newest last
  readonly resolve: (report: SequenceReport) => void;
  readonly reject: (reason: unknown) => void;
  readonly queuedAt: number;
  slot: Slot | undefined;
  cached: number;
  drawn: number;
  startedAt: number;
  generatingAt: number;
}

export class Engine {
  readonly contextTokens: number;
  readonly #model: Model;
  readonly #kvType: KvType | undefined;
  #parallel: number;
  #slots: Slot[] = [];
  #waiting: Sequence[] = [];
  #running: Sequence[] = [];
  #work: Promise<void> | undefined;
  #clock = 0;
  #evaluated = 0;
  #isDisposed = false;

  constructor(model: Model, { contextTokens, parallel, kvType }: EngineOptions) {
    this.#model = model;
    this.contextTokens = contextTokens;
    this.#parallel = parallel;
    this.#kvType = kvType;
  }

  get stats(): EngineStats {
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      contexts: this.#slots.length,
      evaluatedTokens: this.#evaluated,
    };
  }

  /** @throws ContextOverflowError, AnswerError, the signal's reason */
  run(request: SequenceRequest): Promise<SequenceReport> {
    const { prompt, signal } = request;
    if (this.#isDisposed) return Promise.reject(disposed());
    if (signal.aborted) return Promise.reject(signal.reason);
    if (prompt.length === 0) return Promise.reject(new RangeError("the prompt has no token"));
    if (prompt.length > this.contextTokens - RESERVED_TOKENS) {
      return Promise.reject(new ContextOverflowError(0, prompt.length, this.contextTokens, RESERVED_TOKENS));
    }
    return new Promise((resolve, reject) => {
      const history = new Int32Array(this.contextTokens);
      history.set(prompt, this.contextTokens - prompt.length);
      const now = performance.now();
      this.#waiting.push({
        request,
        ids: [...prompt],
        history,
        resolve,
        reject,
        queuedAt: now,
        slot: undefined,
        cached: 0,
        drawn: 0,
        startedAt: now,
        generatingAt: now,
      });
      this.#waiting.sort((a, b) => b.request.priority - a.request.priority); // stable: first come, first served
      request.onPrompt(0, 0);
      this.#work ??= this.#loop();
    });
  }

  /** Ends all sequences with an error, then the contexts. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const sequence of [...this.#waiting, ...this.#running]) this.#end(sequence, disposed());
    await this.#work;
    for (const { context } of this.#slots) await context.dispose();
    this.#slots = [];
  }

  /** The vectors from which the logits behind the last `nLast` tokens are taken, (nEmbd) each; in a context of its own. */
  async embed(prompt: readonly number[], nLast: number, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    if (this.#isDisposed) throw disposed();
    const context = await this.#model.createContext({ contextTokens: Math.max(8, prompt.length) });
    const vectors: Float32Array[] = [];
    const aborting = signal === undefined ? {} : { signal };
    try {
      const first = prompt.length - nLast;
      if (first > 0) await context.evaluate(prompt.slice(0, first), 0, aborting);
      for (let at = first; at < prompt.length; at++) {
        await context.evaluate(prompt.slice(at, at + 1), at, aborting);
        vectors.push(await context.readEmbedding());
      }
    } finally {
      await context.dispose();
    }
    this.#evaluated += prompt.length;
    return vectors;
  }

  async #loop(): Promise<void> {
    // what is asked for in one go is admitted together
    await Promise.resolve();
    try {
      while (this.#waiting.length + this.#running.length > 0) await this.#step();
    } finally {
      this.#work = undefined;
    }
  }

  async #step(): Promise<void> {
    for (const sequence of [...this.#waiting, ...this.#running]) {
      const { signal } = sequence.request;
      if (signal.aborted) this.#end(sequence, signal.reason);
    }
    try {
      await this.#admit();
      if (this.#running.length > 0) await this.#evaluate();
    } catch (cause) {
      if (this.#isDisposed) return;
      const message = cause instanceof Error ? cause.message : String(cause);
      for (const sequence of [...this.#running]) {
        if (sequence.slot !== undefined) sequence.slot.ids = [];
        this.#end(sequence, new AnswerError("E_ENGINE", `the engine failed: ${message}`, { cause }));
      }
      // nothing runs, and the next one fails as well: nobody waits for ever
      const next = this.#waiting[0];
      if (this.#slots.length === 0 && next !== undefined) this.#end(next, cause);
    }
  }

  /** Gives waiting sequences a context each, as long as there are some. */
  async #admit(): Promise<void> {
    while (this.#running.length < this.#parallel) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const slot = await this.#slotFor(next);
      if (this.#waiting[0] !== next) {
        slot.isBusy = false; // disposed of, or another came first
        continue;
      }
      this.#waiting.shift();
      next.slot = slot;
      next.startedAt = performance.now();
      next.cached = next.request.reuse ? await this.#takeOver(slot, next.ids) : 0;
      slot.ids.length = next.cached;
      this.#running.push(next);
      next.request.onPrompt(next.cached, next.cached);
    }
  }

  /** The free context that holds most of the prompt, and little else; or a new one, while there may be more; or the one unused longest. */
  async #slotFor({ ids, request }: Sequence): Promise<Slot> {
    const free = this.#slots.filter(({ isBusy }) => !isBusy);
    // what another conversation has in common with this one is no reason to forget its rest
    const held = free.map((slot) => (request.reuse ? reusable(slot, ids) : 0));
    const isSame = (slot: Slot, i: number): boolean => (held[i] ?? 0) * 2 > slot.ids.length;
    const most = Math.max(0, ...held.filter((_, i) => isSame(free[i] as Slot, i)));
    if (this.#slots.length < this.#parallel && most === 0) {
      try {
        const { contextTokens } = this;
        const kv = this.#kvType === undefined ? {} : { kvType: this.#kvType };
        const context = await this.#model.createContext({ contextTokens, ...kv });
        const slot = { context, ids: [], isBusy: true, lastUsed: this.#clock++ };
        this.#slots.push(slot);
        return slot;
      } catch (error) {
        if (!(error instanceof MemoryError) || this.#slots.length === 0) throw error;
        this.#parallel = this.#slots.length;
      }
    }
    const best = free.filter((_, i) => most === 0 || held[i] === most).sort((a, b) => a.lastUsed - b.lastUsed)[0];
    if (best === undefined) throw new RangeError("no context is free"); // `#parallel` of them are kept
    best.isBusy = true;
    best.lastUsed = this.#clock++;
    return best;
  }

  /** How many positions of a prompt a context holds, after it has got those that another one has. */
  async #takeOver(slot: Slot, ids: readonly number[]): Promise<number> {
    const own = reusable(slot, ids);
    const others = this.#slots.filter(({ context }) => context.memory.kind === "positions");
    const [source] = others.sort((a, b) => reusable(b, ids) - reusable(a, ids));
    const most = source === undefined ? 0 : reusable(source, ids);
    if (source === undefined || most < own + LEAST_COPIED) return own;
    slot.ids = [];
    await slot.context.copyPrefix(source.context, most);
    slot.ids = source.ids.slice(0, most);
    return most;
  }

  /** One pass: the newest token of each sequence that generates, and a part of each prompt. */
  async #evaluate(): Promise<void> {
    const sequences = [...this.#running];
    const nReading = sequences.filter(isReading).length;
    const rows = Math.max(LEAST_ROWS, Math.floor(STEP_ROWS / Math.max(1, nReading)));
    const items = sequences.map((sequence): Item => {
      const slot = sequence.slot as Slot;
      const nPast = slot.ids.length;
      return { sequence, slot, nPast, tokens: sequence.ids.slice(nPast, nPast + rows) };
    });
    const logits = await this.#model.evaluateBatch(
      items.map(({ sequence, slot, tokens, nPast }) => ({
        context: slot.context,
        tokens,
        nPast,
        logits: nPast + tokens.length < sequence.ids.length ? "none" : "last", // none: there is more of the prompt
      })),
    );
    for (const [i, { sequence, slot, tokens }] of items.entries()) {
      slot.ids.push(...tokens);
      this.#evaluated += tokens.length;
      if (!this.#running.includes(sequence)) continue; // disposed of meanwhile
      try {
        this.#advance(sequence, slot, logits[i] as Float32Array);
      } catch (error) {
        this.#end(sequence, error); // a grammar without a way out, or a sampler of the caller
      }
    }
  }

  #advance(sequence: Sequence, slot: Slot, logits: Float32Array): void {
    const { request, ids, history } = sequence;
    const { prompt } = request;
    if (sequence.drawn === 0) {
      request.onPrompt(slot.ids.length, sequence.cached);
      if (slot.ids.length < prompt.length) return;
      sequence.generatingAt = performance.now();
    }
    if (request.maxTokens <= 0) {
      this.#finish(sequence, "full");
      return;
    }
    const id = request.sampler.sample(logits, history);
    sequence.drawn++;
    if (request.onToken(id, logits)) {
      this.#finish(sequence, "ended");
      return;
    }
    ids.push(id);
    history.copyWithin(0, 1);
    history[history.length - 1] = id;
    if (sequence.drawn >= request.maxTokens || ids.length > this.contextTokens) this.#finish(sequence, "full");
  }

  #finish(sequence: Sequence, finish: SequenceReport["finish"]): void {
    const { queuedAt, startedAt, generatingAt } = sequence;
    this.#end(sequence, undefined, {
      finish,
      cachedTokens: sequence.cached,
      drawnTokens: sequence.drawn,
      queueMs: startedAt - queuedAt,
      promptMs: generatingAt - startedAt,
      generateMs: performance.now() - generatingAt,
    });
  }

  /** Takes a sequence out. Its context keeps what it holds. */
  #end(sequence: Sequence, reason: unknown, report?: SequenceReport): void {
    this.#waiting = this.#waiting.filter((one) => one !== sequence);
    this.#running = this.#running.filter((one) => one !== sequence);
    if (sequence.slot !== undefined) sequence.slot.isBusy = false;
    if (report === undefined) sequence.reject(reason);
    else sequence.resolve(report);
  }
}

interface Item {
  readonly sequence: Sequence;
  readonly slot: Slot;
  readonly nPast: number;
  readonly tokens: readonly number[];
}

function isReading({ slot, request }: Sequence): boolean {
  return (slot?.ids.length ?? 0) < request.prompt.length - 1;
}

/** Positions of a context that a prompt can go on from: at least one of its tokens is evaluated, for its logits. */
function reusable({ context, ids }: Slot, prompt: readonly number[]): number {
  const most = Math.min(ids.length, prompt.length - 1);
  let n = 0;
  while (n < most && ids[n] === prompt[n]) n++;
  const { memory } = context;
  if (memory.kind === "positions") return n;
  return Math.max(0, ...memory.positions.filter((position) => position <= n));
}

function disposed(): AnswerError {
  return new AnswerError("E_DISPOSED", "the model was disposed of");
}
