// Collects the parts of an answer; white space at both ends of its thought and of its text is dropped.

import type { OutputParser, OutputPart, ToolCall } from "./output-part.ts";

export class OutputWriter {
  readonly #hasText: boolean;
  #parts: OutputPart[] = [];
  readonly #streams = { reasoning: { begun: false, space: "" }, text: { begun: false, space: "" } };

  /** @param hasText false where calls are asked for, and all else stands round them */
  constructor(hasText = true) {
    this.#hasText = hasText;
  }

  reasoning(text: string): void {
    this.#write("reasoning", text);
  }

  text(text: string): void {
    if (this.#hasText) this.#write("text", text);
  }

  /** A new paragraph, if there is something before it and behind it. */
  breakOff(type: "reasoning" | "text"): void {
    if (this.#streams[type].begun) this.#streams[type].space = "\n\n";
  }

  call(call: ToolCall & { readonly argumentsText: string }): void {
    this.#parts.push({ type: "tool-call", call });
  }

  callStart(id: string, name: string): void {
    this.#parts.push({ type: "tool-call-start", id, name });
  }

  callDelta(id: string, delta: string): void {
    this.#parts.push({ type: "tool-call-delta", id, delta });
  }

  /** All parts since the last time. */
  take(): OutputPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  #write(type: "reasoning" | "text", text: string): void {
    const stream = this.#streams[type];
    const known = stream.begun ? text : text.trimStart();
    const shown = known.trimEnd();
    if (shown === "") {
      if (stream.begun) stream.space += known;
      return;
    }
    const whole = stream.space + shown;
    stream.begun = true;
    stream.space = known.slice(shown.length);
    const last = this.#parts.at(-1);
    if (last !== undefined && last.type === type)
      this.#parts[this.#parts.length - 1] = { type, text: last.text + whole };
    else this.#parts.push({ type, text: whole });
  }
}

/** All is text. */
export class PlainParser implements OutputParser {
  readonly isThinking = false;
  readonly mayThink = false;
  readonly isCalling = false;
  readonly #writer = new OutputWriter();

  push(text: string): OutputPart[] {
    this.#writer.text(text);
    return this.#writer.take();
  }

  end(): OutputPart[] {
    return [];
  }
}
