// gpt-oss writes messages: a header with a channel and perhaps a recipient, a mark, the text, a mark. The prompt ends behind the first
// `<|start|>assistant`. `analysis` is a thought, a recipient makes a call, everything else is to be read.
// https://cookbook.openai.com/articles/openai-harmony

import { ForcedCallReader } from "./forced-calls.ts";
import { type CallFormat, callsBehindMark, type ForcedCalls } from "./output-format.ts";
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

const MESSAGE = "<|message|>";
const START = "<|start|>";
const ENDS = ["<|end|>", "<|return|>", "<|call|>", START];
const ROLE = /^\s*(?:<\|start\|>)?\s*assistant\b/;

export class HarmonyParser implements OutputParser {
  readonly #writer: OutputWriter;
  readonly #newId: (length: number) => string;
  readonly #calls: CallFormat;
  readonly #forced: ForcedCalls;
  readonly #maker: CallMaker | undefined;
  #made: ForcedCallReader | undefined; // the call that a grammar makes from its mark on
  #isAsked = false;
  #rest = "";
  /** Of the message that is being read; undefined while its header is. */
  #message: { readonly header: string; readonly channel: string; readonly tool: string | undefined } | undefined;

  constructor({ format, isForced, maker, newId = randomId }: OutputParserOptions) {
    this.#newId = newId;
    this.#calls = format.calls;
    this.#forced = callsBehindMark(format) as ForcedCalls;
    this.#maker = maker;
    this.#writer = new OutputWriter(isForced !== true);
  }

  readonly mayThink = false;

  get isCalling(): boolean {
    return this.#made?.isCalling ?? this.#message?.tool !== undefined;
  }

  /** A header counts as a part of the thought: the answer is what stands in the channel "final". */
  get isThinking(): boolean {
    return this.#made === undefined && (this.#message === undefined || this.#message.channel === "analysis");
  }

  push(text: string): OutputPart[] {
    this.#rest += text;
    while (this.#step(false));
    return this.#writer.take();
  }

  end(): OutputPart[] {
    while (this.#step(true));
    if (this.#message === undefined) this.#writer.text(this.#rest.replace(ROLE, ""));
    this.#rest = "";
    return this.#writer.take();
  }

  /** False if more text is needed. */
  #step(isEnd: boolean): boolean {
    if (this.#made !== undefined) {
      const behind = this.#made.push(this.#rest, this.#writer);
      this.#rest = behind ?? "";
      if (behind === undefined) return false;
      this.#maker?.end();
      this.#made = undefined;
      return true;
    }
    if (this.#message === undefined) {
      const at = this.#rest.indexOf(MESSAGE);
      const header = at < 0 ? this.#rest : this.#rest.slice(0, at);
      if (this.#beginsCall(header)) return true;
      if (at < 0) return false;
      this.#isAsked = false;
      const channel = /<\|channel\|>\s*(\w+)/.exec(header)?.[1] ?? "final";
      const tool = /\bto=(?:functions\.)?([\w.-]+)/.exec(header)?.[1];
      this.#message = { header: header.replace(ROLE, ""), channel, tool };
      this.#rest = this.#rest.slice(at + MESSAGE.length);
      if (tool === undefined) this.#writer.breakOff(channel === "analysis" ? "reasoning" : "text");
      return true;
    }
    const { header, channel, tool } = this.#message;
    const end = firstMark(this.#rest, ENDS);
    if (tool !== undefined) {
      if (end === undefined && !isEnd) return false;
      const body = end === undefined ? this.#rest : this.#rest.slice(0, end.at);
      this.#call(tool, body, header + MESSAGE);
    } else {
      const held = end === undefined && !isEnd ? heldBack(this.#rest, ENDS) : 0;
      const shown = this.#rest.slice(0, end === undefined ? this.#rest.length - held : end.at);
      if (channel === "analysis") this.#writer.reasoning(shown);
      else this.#writer.text(shown);
      if (end === undefined) this.#rest = this.#rest.slice(shown.length);
    }
    if (end === undefined) {
      if (isEnd) this.#rest = "";
      return false;
    }
    // the mark of a start belongs to the next header
    this.#rest = this.#rest.slice(end.at + (end.mark === START ? 0 : end.mark.length));
    this.#message = undefined;
    return true;
  }

  /** Asks once for each header whether a grammar makes its call. */
  #beginsCall(header: string): boolean {
    const at = this.#isAsked || this.#maker === undefined ? -1 : header.indexOf(this.#calls.open);
    if (at < 0) return false;
    const behind = this.#rest.slice(at + this.#calls.open.length);
    this.#isAsked = this.#maker?.begin(behind) !== true;
    if (this.#isAsked) return false;
    this.#made = new ForcedCallReader(this.#forced, undefined, this.#newId);
    this.#rest = behind;
    return true;
  }

  #call(name: string, body: string, header: string): void {
    const calls = this.#calls.parse(name + MESSAGE + body, { tools: new Map() });
    if (typeof calls === "string") this.#writer.text(header + body);
    else for (const call of calls) this.#writer.call(toolCallOf(call, undefined, this.#newId));
  }
}
