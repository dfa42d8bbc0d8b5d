// Answers that run: each is written into a turn of its conversation as it comes, and kept every second.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { text } from "../text.ts";
import { type AnswerEnd, type Phase, streamAnswer } from "./answering.ts";
import { type ModelSummary, RequestError } from "./connection.ts";
import type { Changes } from "./history.ts";
import type { OpenConversation } from "./open-conversation.ts";
import { newId } from "./platform.ts";
import type { Conversation, Message } from "./records.ts";
import { requestFields } from "./settings.ts";

/** Something that happened, for a few seconds, and how to take it back. */
export interface Notice {
  readonly text: string;
  readonly undo?: () => void;
  /** What `undo` is called, if it is something else. */
  readonly action?: string;
}

/** Whom answers belong to. */
interface AnswersHost {
  readonly model: ReadonlySignal<ModelSummary | undefined>;
  readonly notice: Signal<Notice | undefined>;
  /** What a screen reader is told. */
  readonly status: Signal<string>;
  ask(path: string, body: object, signal: AbortSignal): Promise<Response>;
  recordOf(conversation: string): Conversation;
  change(conversation: string, changed: Partial<Conversation>): void;
  keep(conversation: string, changes: Changes): Promise<void>;
  explain(error: unknown): string;
}

/** An answer that is written. */
export interface Run {
  readonly opened: OpenConversation;
  readonly message: string;
  readonly controller: AbortController;
  readonly phase: Signal<Phase>;
}

/** How often what came is drawn, and kept. */
const DRAW_MS = 50;
const KEEP_MS = 1000;

/** Positions that a prompt leaves free in a context. */
const FREE_TOKENS = 4;

export class Answers {
  /** By conversation: each has one at most. */
  readonly runs: Signal<ReadonlyMap<string, Run>> = signal(new Map());
  readonly #host: AnswersHost;

  constructor(host: AnswersHost) {
    this.#host = host;
  }

  /** A conversation that is answered in the background. */
  opened(id: string): OpenConversation | undefined {
    return this.runs.peek().get(id)?.opened;
  }

  isWriting(message: string): boolean {
    return [...this.runs.peek().values()].some((run) => run.message === message);
  }

  stop(conversation: string): void {
    this.runs.peek().get(conversation)?.controller.abort();
  }

  stopAll(): void {
    for (const { controller } of this.runs.peek().values()) controller.abort();
  }

  /** Keeps what there is of the answers that run. */
  save(): void {
    for (const { opened, message } of this.runs.peek().values()) {
      const turn = opened.cell(message)?.peek();
      if (turn !== undefined) void this.#host.keep(opened.id, { messages: [turn] });
    }
  }

  /** Answers the turn `parent` of the user. */
  async start(opened: OpenConversation, parent: string | null): Promise<void> {
    const now = Date.now();
    const turn: Message = {
      ...{ id: newId(), parent, created: now, updated: now, conversation: opened.id },
      ...{ role: "assistant", content: "" },
    };
    if (this.runs.peek().has(opened.id)) return;
    const sent = opened.path(parent);
    opened.add([turn]);
    this.#host.change(opened.id, { leaf: turn.id, updated: now });
    await this.#run(opened, turn, sent);
  }

  /** Goes on with an answer that was cut. */
  async goOn(opened: OpenConversation, id: string): Promise<void> {
    const turn = opened.cell(id)?.peek();
    if (turn === undefined || this.runs.peek().has(opened.id)) return;
    await this.#run(opened, turn, opened.path(id));
  }

  async #run(opened: OpenConversation, turn: Message, sent: readonly Message[]): Promise<void> {
    const { status, notice } = this.#host;
    const run: Run = {
      ...{ opened, message: turn.id, controller: new AbortController() },
      phase: signal<Phase>({ kind: "waiting" }),
    };
    const draft = new Draft(opened, turn);
    const keep = (): void => {
      const written = draft.draw();
      if (written !== undefined) void this.#host.keep(opened.id, { messages: [written] });
    };
    opened.change(turn.id, { finish: undefined, error: undefined });
    this.runs.value = new Map(this.runs.peek()).set(opened.id, run);
    status.value = text.statusAnswering;
    const keeping = setInterval(keep, KEEP_MS);
    let ended: Partial<Message>;
    try {
      const end = await this.#stream(run, sent, draft);
      if (end.warnings.length > 0) notice.value = { text: end.warnings.join("; ") };
      ended = { ...endOf(end), model: this.#host.model.peek()?.name };
      status.value = text.statusDone(wordsOf(draft.text));
    } catch (error) {
      const isStopped = run.controller.signal.aborted;
      ended = { finish: "cut", ...(!isStopped && { error: this.#host.explain(error) }) };
      status.value = isStopped ? text.statusStopped : text.statusFailed;
      if (error instanceof RequestError) this.#explainSize(error, opened, sent);
    }
    clearInterval(keeping);
    draft.finish(ended);
    keep();
    const runs = new Map(this.runs.peek());
    runs.delete(opened.id);
    this.runs.value = runs;
    this.#host.change(opened.id, { updated: Date.now(), model: this.#host.model.peek()?.name });
  }

  #stream({ controller, phase, opened }: Run, sent: readonly Message[], draft: Draft): Promise<AnswerEnd> {
    const { system, settings } = this.#host.recordOf(opened.id);
    const leftOut = Number(settings["leave_out"] ?? 0);
    const messages = [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      ...sent.slice(leftOut).map(({ role, content, reasoning }, i, all) => {
        const isGoneOnWith = role === "assistant" && i === all.length - 1;
        return { role, content, ...(isGoneOnWith && reasoning && { reasoning_content: reasoning }) };
      }),
    ];
    const ask = this.#host.ask.bind(this.#host);
    return streamAnswer(
      ask,
      "/v1/chat/completions",
      { messages, ...requestFields(settings, true) },
      controller.signal,
      {
        onPhase: (now) => {
          phase.value = now;
        },
        onSeed: (seed) => draft.add({ seed }),
        onThought: (piece) => draft.think(piece),
        onText: (piece) => draft.write(piece),
      },
    );
  }

  /** From now on, prompts go without so many turns at the beginning. */
  leaveOut(conversation: string, nTurns: number): void {
    const { settings } = this.#host.recordOf(conversation);
    this.#host.change(conversation, { settings: { ...settings, leave_out: nTurns } });
  }

  /** A conversation that is too long: says how many turns at its beginning no longer fit, and offers to leave them out. */
  #explainSize(error: RequestError, opened: OpenConversation, sent: readonly Message[]): void {
    const { n_prompt_tokens: prompt, n_ctx: context } = error.details ?? {};
    if (error.code !== "context_length_exceeded" || prompt === undefined || context === undefined) return;
    const nTurns = turnsThatDoNotFit(sent, prompt - (context - FREE_TOKENS));
    if (nTurns === 0) return;
    const undo = (): void => this.leaveOut(opened.id, nTurns);
    this.#host.notice.value = { text: text.turnsDoNotFit(nTurns), undo, action: text.leaveOut };
  }
}

/** The text of an answer as it comes: drawn now and then, not for each token. */
class Draft {
  readonly #opened: OpenConversation;
  readonly #id: string;
  #changed: Partial<Message> | undefined;
  #text: string;
  #thought: string;
  #thoughtMs: number;
  #thoughtSince: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(opened: OpenConversation, { id, content, reasoning = "", reasoningMs = 0 }: Message) {
    this.#opened = opened;
    this.#id = id;
    this.#text = content;
    this.#thought = reasoning;
    this.#thoughtMs = reasoningMs;
  }

  get text(): string {
    return this.#text;
  }

  write(piece: string): void {
    this.#endThought();
    this.#text += piece;
    this.add({ content: this.#text });
  }

  think(piece: string): void {
    this.#thoughtSince ??= performance.now();
    this.#thought += piece;
    this.add({ reasoning: this.#thought });
  }

  add(changed: Partial<Message>): void {
    this.#changed = { ...this.#changed, ...changed };
    this.#timer ??= setTimeout(() => this.draw(), DRAW_MS);
  }

  finish(ended: Partial<Message>): void {
    this.#endThought();
    this.add(ended);
  }

  /** The turn as it is now, if anything came since the last time. */
  draw(): Message | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#changed === undefined) return undefined;
    const changed = this.#changed;
    this.#changed = undefined;
    return this.#opened.change(this.#id, changed);
  }

  #endThought(): void {
    if (this.#thoughtSince === undefined) return;
    this.#thoughtMs += performance.now() - this.#thoughtSince;
    this.#thoughtSince = undefined;
    this.add({ reasoningMs: this.#thoughtMs });
  }
}

function endOf({ finish, usage, timings }: AnswerEnd): Partial<Message> {
  return { finish, usage, timings };
}

function wordsOf(content: string): number {
  return content.split(/\s+/).filter((word) => word !== "").length;
}

/** How many turns at the beginning have to be left out before the next prompt fits, as far as the latest answer tells. */
export function turnsToLeaveOut(path: readonly Message[], contextTokens: number): number {
  const latest = path.findLast(({ usage }) => usage !== undefined)?.usage;
  if (latest === undefined || contextTokens === 0) return 0;
  const least = latest.prompt + latest.completion + 1; // whoever goes on says something
  return turnsThatDoNotFit(path, least - (contextTokens - FREE_TOKENS));
}

/** How many turns, from the first one on, take up `tokens`, as far as their answers tell; 0 if all together do not. */
export function turnsThatDoNotFit(path: readonly Message[], tokens: number): number {
  if (tokens <= 0) return 0;
  // the first prompt has the system prompt in it, which stays
  const kept = path.find(({ usage }) => usage !== undefined)?.usage?.prompt ?? 0;
  const held = path.map(({ usage }) => (usage === undefined ? 0 : usage.prompt + usage.completion));
  const enough = held.findIndex((n) => n - kept >= tokens);
  return (enough >= 0 ? enough : held.findLastIndex((n) => n >= tokens)) + 1;
}
