// Many sequences over one model: a queue, contexts that remember what they hold, and a loop of steps. In a step every sequence gets one
// row, or several of its prompt; all rows go through the model together. No result depends on who else runs.

import { ContextOverflowError, MAX_DRAFT_TOKENS, MemoryError, type Model } from "@ll/llama";
import { AnswerError, disposed } from "./errors.ts";
import type { EngineStats, SchedulerOptions } from "./scheduler.ts";
import {
  type Item,
  isReading,
  itemOf,
  rowsOf,
  type Sequence,
  type SequenceReport,
  type SequenceRequest,
  type Slot,
  slotStats,
  wanted,
} from "./sequence.ts";
import { SlotPool, type SlotPoolOptions } from "./slot-pool.ts";

export interface EngineOptions extends SchedulerOptions, Pick<SlotPoolOptions, "contextTokens" | "kvType" | "drafts"> {
  /** Sequences that run at the same time. */
  readonly parallel: number;
}

/** Rows of prompts in one step, in all; and what a prompt has at least. */
const STEP_ROWS = 64;
const LEAST_ROWS = 8;

const DEFAULT_STEP_MS = 250;

/** How much the latest value counts in a mean. */
const SMOOTHING = 0.2;

/** Positions that stay free behind a prompt. */
export const RESERVED_TOKENS = 4;

export class Engine {
  readonly contextTokens: number;
  readonly #model: Model;
  readonly #options: SchedulerOptions;
  readonly #pool: SlotPool;
  #parallel: number;
  #waiting: Sequence[] = [];
  #running: Sequence[] = [];
  #work: Promise<void> | undefined;
  #clock = 0;
  #evaluated = 0;
  #drafted = 0;
  #accepted = 0;
  #isDisposed = false;
  /** When a client of those that wait was served at last. */
  readonly #served = new Map<string | undefined, number>();
  /** Milliseconds of a row among many, and of an answer. */
  #rowMs = 0;
  #answerMs = 0;
  /** Who comes first among the prompts of a step. */
  #turn = 0;

  constructor(model: Model, options: EngineOptions) {
    const { contextTokens, parallel, contexts = parallel } = options;
    this.#model = model;
    this.contextTokens = contextTokens;
    this.#parallel = parallel;
    this.#options = options;
    this.#pool = new SlotPool(model, { ...options, contexts: Math.max(parallel, contexts) });
  }

  get stats(): EngineStats {
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      contexts: this.#pool.slots.length,
      evaluatedTokens: this.#evaluated,
      draftedTokens: this.#drafted,
      acceptedTokens: this.#accepted,
      answerMs: this.#answerMs,
      slots: this.#pool.slots.map((slot) => slotStats(slot, this.#running)),
    };
  }

  /** @throws ContextOverflowError, AnswerError, the signal's reason; RangeError for a prompt of no tokens, or of what is none */
  async run(request: SequenceRequest): Promise<SequenceReport> {
    const { prompt, signal } = request;
    if (this.#isDisposed) throw disposed();
    if (signal.aborted) throw signal.reason;
    if (prompt.length === 0) throw new RangeError("the prompt has no token");
    // an id that is none would end the step, and with it the answers of others
    const { nVocab } = this.#model.config;
    const wrong = prompt.findIndex((id) => id >>> 0 !== id || id >= nVocab);
    if (wrong >= 0) throw new RangeError(`"prompt" expected ids below ${nVocab}, got ${prompt[wrong]}`);
    if (prompt.length > this.contextTokens - RESERVED_TOKENS) {
      throw new ContextOverflowError(0, prompt.length, this.contextTokens, RESERVED_TOKENS);
    }
    this.assertRoom();
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
        drafted: 0,
        accepted: 0,
        startedAt: now,
        generatingAt: now,
      });
      request.onPrompt(0, 0);
      this.#work ??= this.#loop();
    });
  }

  /** @throws AnswerError `E_OVERLOADED` if a sequence would find no place */
  assertRoom(): void {
    const { maxWaiting = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#running.length + this.#waiting.length < this.#parallel + maxWaiting) return;
    const message = `all ${this.#parallel} slots and ${maxWaiting} places in the queue are taken`;
    throw new AnswerError("E_OVERLOADED", message);
  }

  /** Ends all sequences with an error, then the contexts. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const sequence of [...this.#waiting, ...this.#running]) this.#end(sequence, disposed());
    await this.#work;
    await this.#pool.dispose();
  }

  /** Counts tokens that were evaluated beside the sequences. */
  evaluated(n: number): void {
    this.#evaluated += n;
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
      this.#endPatience();
      if (this.#running.length > 0) await this.#evaluate();
    } catch (cause) {
      if (this.#isDisposed) return;
      // whoever could not even begin fails as well: nobody waits for ever
      const next = this.#next();
      const failed = this.#running.length > 0 || next === undefined ? [...this.#running] : [next];
      const message = cause instanceof Error ? cause.message : String(cause);
      const error =
        cause instanceof MemoryError ? cause : new AnswerError("E_ENGINE", `the engine failed: ${message}`, { cause });
      for (const sequence of failed) {
        if (sequence.slot !== undefined) sequence.slot.ids = [];
        this.#end(sequence, error);
      }
    }
  }

  /** Gives waiting sequences a context each, as long as there are some. */
  async #admit(): Promise<void> {
    while (this.#running.length < this.#parallel) {
      const next = this.#next();
      if (next === undefined) {
        this.#served.clear();
        return;
      }
      const slot = await this.#pool.take(next);
      this.#parallel = Math.min(this.#parallel, this.#pool.most);
      if (this.#next() !== next) {
        slot.isBusy = false; // disposed of, or another came first
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      const { client, reuse } = next.request;
      this.#served.set(client, this.#clock++);
      next.slot = slot;
      next.startedAt = performance.now();
      this.#running.push(next);
      next.cached = reuse && next.request.onPromptLogits === undefined ? await this.#pool.takeOver(slot, next) : 0;
      slot.ids.length = next.cached;
      slot.client = client;
      next.request.onPrompt(next.cached, next.cached);
    }
  }

  /** Ends what has waited for as long as it may. */
  #endPatience(): void {
    const { maxWaitMs = Number.POSITIVE_INFINITY } = this.#options;
    const now = performance.now();
    for (const sequence of this.#waiting) {
      if (now - sequence.queuedAt < maxWaitMs) continue;
      const message = `no slot came free in ${Math.round(maxWaitMs / 1000)} s`;
      this.#end(sequence, new AnswerError("E_QUEUE_TIMEOUT", message));
    }
  }

  /** Of those with the greatest priority, the first of the client who was served longest ago. */
  #next(): Sequence | undefined {
    const most = Math.max(...this.#waiting.map(({ request }) => request.priority));
    const servedAt = ({ request }: Sequence): number => this.#served.get(request.client) ?? -1;
    return this.#waiting
      .filter(({ request }) => request.priority === most)
      .reduce<Sequence | undefined>(
        (best, one) => (best === undefined || servedAt(one) < servedAt(best) ? one : best),
        undefined,
      );
  }

  /** One pass: the newest token of each sequence that generates, and what may follow it, and parts of prompts, in turns. */
  async #evaluate(): Promise<void> {
    const items = await this.#items();
    const rows = items.reduce((sum, { tokens, draft }) => sum + tokens.length + draft.length, 0);
    const startedAt = performance.now();
    const logits = await this.#model.evaluateBatch(
      items.map((item) => ({
        context: item.slot.context,
        tokens: [...item.tokens, ...item.draft],
        nPast: item.nPast,
        logits: wanted(item),
      })),
    );
    const ms = performance.now() - startedAt;
    if (rows >= LEAST_ROWS) this.#rowMs = mean(this.#rowMs, ms / rows);
    this.#options.onStep?.({ rows, ms });
    this.#evaluated += rows;
    for (const [i, item] of items.entries()) {
      const { sequence, slot, tokens } = item;
      slot.ids.push(...tokens);
      if (!this.#running.includes(sequence)) continue; // disposed of meanwhile
      try {
        this.#advanceAll(item, rowsOf(item, logits[i] as Float32Array));
      } catch (error) {
        this.#end(sequence, error); // a grammar without a way out, or a sampler of the caller
      }
    }
  }

  async #items(): Promise<Item[]> {
    const generating = this.#running.filter((sequence) => !isReading(sequence));
    const reading = this.#running.filter(isReading);
    const { maxStepMs = DEFAULT_STEP_MS, maxStepTokens = STEP_ROWS } = this.#options;
    let rows = maxStepTokens;
    // a prompt may slow the others down, and never stops them
    if (generating.length > 0 && this.#rowMs > 0) {
      rows = Math.min(rows, Math.floor(maxStepMs / this.#rowMs) - generating.length);
    }
    const drafted = reading.length > 0 ? rows >> 1 : rows; // guesses leave room for those who read
    const guesses = Math.min(MAX_DRAFT_TOKENS, Math.floor(drafted / Math.max(1, generating.length)));
    const each = Math.max(LEAST_ROWS, Math.floor(rows / Math.max(1, reading.length)));
    const first = reading.length === 0 ? 0 : this.#turn++ % reading.length;
    const inTurn = [...reading.slice(first), ...reading.slice(0, first)];
    const nRead = Math.max(1, Math.floor(rows / each));
    return [
      ...(await Promise.all(generating.map((sequence) => this.#withDraft(itemOf(sequence, 1), guesses)))),
      ...inTurn.slice(0, nRead).map((sequence) => itemOf(sequence, each)),
    ];
  }

  /** @param most tokens of the guess */
  async #withDraft(item: Item, most: number): Promise<Item> {
    const { sequence, slot, nPast } = item;
    const { drafts, maxTokens, signal } = sequence.request;
    if (slot.drafter === undefined || !drafts || sequence.drawn === 0) return item;
    const room = Math.min(most, maxTokens - sequence.drawn - 1, this.contextTokens - nPast - 1);
    try {
      return { ...item, draft: await slot.drafter.propose(sequence.ids, room, signal) };
    } catch (error) {
      if (signal.aborted) return item; // which the next step will see
      throw error;
    }
  }

  /** Draws behind the last token, and behind those of its draft that were drawn. */
  #advanceAll({ sequence, slot, draft }: Item, rows: readonly Float32Array[]): void {
    this.#advance(sequence, slot, rows[0] as Float32Array);
    if (draft.length === 0) return;
    sequence.drafted += draft.length;
    this.#drafted += draft.length;
    let nUsed = 0;
    while (nUsed < draft.length && this.#running.includes(sequence) && sequence.ids.at(-1) === draft[nUsed]) {
      slot.ids.push(draft[nUsed++] as number);
      slot.drafter?.used();
      sequence.accepted++;
      this.#accepted++;
      this.#advance(sequence, slot, rows[nUsed] as Float32Array);
    }
    slot.drafter?.checked(draft.length, nUsed);
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
    this.#answerMs = mean(this.#answerMs, performance.now() - startedAt);
    this.#end(sequence, undefined, {
      finish,
      cachedTokens: sequence.cached,
      drawnTokens: sequence.drawn,
      draftedTokens: sequence.drafted,
      acceptedTokens: sequence.accepted,
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

/** A mean in which the latest value counts most. */
function mean(before: number, value: number): number {
  return before === 0 ? value : before + SMOOTHING * (value - before);
}
