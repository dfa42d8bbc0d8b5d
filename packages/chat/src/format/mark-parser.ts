// From the text of an answer, as it is generated, to thoughts, calls of tools and what is to be read. What comes out does not depend
// on how the text is cut into pieces: text that may yet become a mark is held back, and nothing is decided before it is certain.

import { ForcedCallReader, type JsonState, jsonEnd, newJsonState } from "./forced-calls.ts";
import { type CallFormat, callsBehindMark, type ForcedCalls, type Marks } from "./output-format.ts";
import {
  type CallMaker,
  firstMark,
  heldBack,
  type OutputParser,
  type OutputParserOptions,
  type OutputPart,
  randomId,
  toolCallOf,
} from "./output-part.ts";
import { OutputWriter } from "./output-writer.ts";

/** How often a mark within an argument may look like the end of the call. */
const MAX_ATTEMPTS = 64;

export class MarkParser implements OutputParser {
  readonly #calls: CallFormat | undefined;
  readonly #thought: Marks | undefined;
  readonly #marks: readonly string[];
  readonly #tools: ReadonlyMap<string, unknown>;
  readonly #newId: (length: number) => string;
  readonly #writer: OutputWriter;
  readonly #maker: CallMaker | undefined;
  readonly #behindMark: ForcedCalls; // not asked for without a maker
  #made: ForcedCallReader | undefined; // the call that a grammar makes from its mark on
  #state: "start" | "thought" | "text" | "call" | "made";
  /** A grammar makes the latest call. */
  #isMade = false;
  #hasThought: boolean;
  #rest = "";
  #call = newCallState();

  constructor(options: OutputParserOptions) {
    const { format, tools = new Map(), isForced, maker, startsInThought = false, newId = randomId } = options;
    this.#maker = maker;
    this.#writer = new OutputWriter(isForced !== true);
    this.#behindMark = callsBehindMark(format, isForced) as ForcedCalls;
    this.#calls = tools.size > 0 ? format.calls : undefined;
    this.#thought = format.thought;
    const call = this.#calls === undefined ? [] : [this.#calls.open, ...(this.#calls.around ?? [])];
    this.#marks = [...call, ...(format.hidden ?? [])].filter((mark) => mark !== "");
    this.#tools = tools;
    this.#newId = newId;
    this.#hasThought = startsInThought;
    this.#state = startsInThought ? "thought" : "start";
  }

  get isThinking(): boolean {
    if (this.#state === "thought") return true;
    const seen = this.#rest.trimStart();
    return this.mayThink && seen !== "" && this.#thought?.open.startsWith(seen) === true;
  }

  get isCalling(): boolean {
    return this.#made?.isCalling ?? this.#state === "call";
  }

  get mayThink(): boolean {
    return this.#state === "start" && !this.#hasThought && this.#thought !== undefined;
  }

  push(text: string): OutputPart[] {
    this.#rest += text;
    while (this.#step(false));
    return this.#writer.take();
  }

  end(): OutputPart[] {
    while (this.#step(true));
    return this.#writer.take();
  }

  /** False if more text is needed. */
  #step(isEnd: boolean): boolean {
    if (this.#rest === "" && !(isEnd && this.#state === "call")) return false;
    switch (this.#state) {
      case "start":
        return this.#stepStart(isEnd);
      case "thought":
        return this.#stepThought(isEnd);
      case "text":
        return this.#stepText(isEnd);
      case "call":
        return this.#stepCall(isEnd);
      case "made":
        return this.#stepMade();
    }
  }

  /** Nothing but white space so far: a thought may begin, or a call that is the whole answer. */
  #stepStart(isEnd: boolean): boolean {
    const seen = this.#rest.trimStart();
    const open = this.#thought?.open;
    if (open !== undefined && seen.startsWith(open)) {
      this.#rest = seen.slice(open.length);
      this.#state = "thought";
      this.#hasThought = true;
      return true;
    }
    const mayBegin = [...(open === undefined ? [] : [open]), ...this.#marks];
    if (!isEnd && mayBegin.some((mark) => mark.length > seen.length && mark.startsWith(seen))) return false;
    const hidden = this.#marks.find((mark) => mark !== this.#calls?.open && seen.startsWith(mark));
    if (hidden !== undefined) {
      this.#rest = seen.slice(hidden.length);
      return this.#rest !== "";
    }
    if (this.#calls?.open === "" && seen.startsWith("{")) {
      this.#rest = seen;
      this.#enterCall();
    } else {
      this.#state = "text";
    }
    return true;
  }

  #stepThought(isEnd: boolean): boolean {
    const { close } = this.#thought as Marks;
    const at = this.#rest.indexOf(close);
    if (at >= 0) {
      this.#writer.reasoning(this.#rest.slice(0, at));
      this.#rest = this.#rest.slice(at + close.length);
      this.#state = "start";
      return true;
    }
    this.#writer.reasoning(this.#takeCertain(isEnd, [close]));
    return false;
  }

  #stepText(isEnd: boolean): boolean {
    const found = firstMark(this.#rest, this.#marks);
    if (found === undefined) {
      this.#writer.text(this.#takeCertain(isEnd, this.#marks));
      return false;
    }
    this.#writer.text(this.#rest.slice(0, found.at));
    this.#rest = this.#rest.slice(found.at + found.mark.length);
    if (found.mark === this.#calls?.open) this.#enterCall();
    return true;
  }

  #takeCertain(isEnd: boolean, marks: readonly string[]): string {
    const n = this.#rest.length - (isEnd ? 0 : heldBack(this.#rest, marks));
    const certain = this.#rest.slice(0, n);
    this.#rest = this.#rest.slice(n);
    return certain;
  }

  #enterCall(): void {
    this.#isMade = this.#maker?.begin(this.#rest) === true;
    if (this.#isMade && this.#behindMark.members === undefined) {
      this.#made = new ForcedCallReader(this.#behindMark, this.#calls?.idLength, this.#newId);
      this.#state = "made";
      return;
    }
    this.#state = "call";
    this.#call = newCallState();
  }

  #stepMade(): boolean {
    const behind = this.#made?.push(this.#rest, this.#writer);
    this.#rest = behind ?? "";
    if (behind === undefined) return false;
    this.#maker?.end();
    this.#made = undefined;
    this.#state = "text";
    return true;
  }

  #stepCall(isEnd: boolean): boolean {
    const format = this.#calls as CallFormat;
    const end = format.end === "json" ? this.#jsonEnd(format, isEnd) : undefined;
    if (end === "wait") return false;
    if (end !== undefined) {
      this.#take(this.#rest.slice(0, end.body), end.behind);
      return true;
    }
    const { close } = format;
    for (;;) {
      const at = close === undefined || format.end === "json" ? -1 : this.#rest.indexOf(close, this.#call.searched);
      if (at < 0) break;
      const calls = format.parse(this.#rest.slice(0, at), { tools: this.#tools });
      if (calls !== "more" || ++this.#call.attempts > MAX_ATTEMPTS) {
        this.#take(this.#rest.slice(0, at), at + (close as string).length);
        return true;
      }
      this.#call.searched = at + 1;
    }
    if (!isEnd) {
      if (close !== undefined)
        this.#call.searched = Math.max(this.#call.searched, this.#rest.length - close.length + 1);
      return false;
    }
    if (this.#isMade) {
      this.#rest = "";
      return false;
    }
    // the answer ended first: a call all the same, if only its mark is missing; else text, to its first mark
    const first = close === undefined ? -1 : this.#rest.indexOf(close);
    const behind = first < 0 ? this.#rest.length : first + (close as string).length;
    if (first < 0 && format.end === "mark") this.#take(this.#rest, behind);
    else this.#giveBack(behind);
    return true;
  }

  /** Where the JSON value of a call ends, and what follows it begins; "wait" if that is not certain yet. */
  #jsonEnd(format: CallFormat, isEnd: boolean): { body: number; behind: number } | "wait" | undefined {
    const state = this.#call;
    const text = this.#rest;
    if (state.at < 0) {
      const first = text.search(/\S/);
      if (first < 0) return isEnd ? undefined : "wait";
      const mark = "[{".includes(text.charAt(first)) ? undefined : format.argumentsMark;
      const from = mark === undefined ? first : text.indexOf(mark);
      if (from < 0) return isEnd ? undefined : "wait";
      state.at = from + (mark?.length ?? 0);
    }
    state.at += jsonEnd(state.json, text.slice(state.at));
    if (!state.json.isWhole) return isEnd ? undefined : "wait";
    const body = state.at;
    const { close } = format;
    if (close === undefined) return { body, behind: body };
    const behind = text.slice(body).trimStart();
    const start = text.length - behind.length;
    if (behind.startsWith(close)) return { body, behind: start + close.length };
    if (!isEnd && close.startsWith(behind)) return "wait";
    return { body, behind: body };
  }

  /** Ends a call: its calls, or its text if it is none. */
  #take(body: string, behind: number): void {
    const format = this.#calls as CallFormat;
    const calls = format.parse(body, { tools: this.#tools });
    if (this.#isMade) this.#maker?.end();
    if (typeof calls === "string") {
      this.#giveBack(behind);
      return;
    }
    for (const call of calls) this.#writer.call(toolCallOf(call, format.idLength, this.#newId));
    this.#rest = this.#rest.slice(behind);
    this.#state = "text";
  }

  /** What looked like a call is text. */
  #giveBack(behind: number): void {
    this.#writer.text((this.#calls as CallFormat).open + this.#rest.slice(0, behind));
    this.#rest = this.#rest.slice(behind);
    this.#state = "text";
  }
}

interface CallState {
  /** Where the end was looked for already. */
  searched: number;
  attempts: number;
  /** How far a JSON value is read; −1 before it. */
  at: number;
  json: JsonState;
}

function newCallState(): CallState {
  return { searched: 0, attempts: 0, at: -1, json: newJsonState() };
}
