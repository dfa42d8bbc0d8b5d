// Calls that a grammar makes: what stands round names and arguments is known to the letter, so arguments are shown as they grow.

import type { ForcedCalls } from "./output-format.ts";
import { toolCallOf } from "./output-part.ts";
import type { OutputWriter } from "./output-writer.ts";

export class ForcedCallReader {
  readonly #forced: ForcedCalls;
  readonly #idLength: number | undefined;
  readonly #newId: (length: number) => string;
  #state: "front" | "name" | "arguments" | "behind" | "done" = "front";
  #rest = "";
  #nCalls = 0;
  #call = { id: "", name: "", text: "" };
  #json = newJsonState();

  constructor(forced: ForcedCalls, idLength: number | undefined, newId: (length: number) => string) {
    this.#forced = forced;
    this.#idLength = idLength;
    this.#newId = newId;
  }

  /** True until the arguments of the first call are whole, and within another one. */
  get isCalling(): boolean {
    return this.#state === "front" ? this.#nCalls === 0 : this.#state === "name" || this.#state === "arguments";
  }

  /** Text behind the last call; undefined before its end. */
  push(text: string, writer: OutputWriter): string | undefined {
    this.#rest += text;
    while (this.#step(writer));
    return this.#state === "done" ? this.#rest : undefined;
  }

  /** False if more text is needed. */
  #step(writer: OutputWriter): boolean {
    const { before = "", between, call, after } = this.#forced;
    switch (this.#state) {
      case "front":
        if (this.#nCalls === 0) return this.#pass(before + call[0], "name");
        if (between === undefined && after === undefined) this.#state = "done";
        else if (after !== undefined && this.#pass(after, "done")) return true;
        return between !== undefined && this.#pass(between + call[0], "name");
      case "name": {
        const end = this.#rest.indexOf(call[1]);
        if (end < 0) return false;
        const written = this.#rest.slice(0, end);
        const { idPrefix, name: pattern } = this.#forced.named ?? {};
        const name = pattern === undefined ? written : (pattern.exec(written)?.[1] ?? "");
        const own = idPrefix !== undefined && { id: idPrefix + written };
        const { id } = toolCallOf({ name, argumentsText: "{}", ...own }, this.#idLength, this.#newId);
        this.#call = { id, name, text: "" };
        this.#json = newJsonState();
        writer.callStart(id, name);
        this.#rest = this.#rest.slice(end + call[1].length);
        this.#state = "arguments";
        return true;
      }
      case "arguments": {
        const n = jsonEnd(this.#json, this.#rest);
        const delta = this.#rest.slice(0, n);
        this.#rest = this.#rest.slice(n);
        this.#call.text += delta;
        if (delta !== "") writer.callDelta(this.#call.id, delta);
        if (!this.#json.isWhole) return false;
        const { id, name, text } = this.#call;
        writer.call(toolCallOf({ id, name, argumentsText: text }, this.#idLength, this.#newId));
        this.#nCalls++;
        this.#state = "behind";
        return true;
      }
      case "behind":
        return this.#pass(call[2], "front");
      case "done":
        return false;
    }
  }

  /** Steps over a text that has to come; white space that JSON may have behind it does not count. */
  #pass(text: string, next: "name" | "front" | "done"): boolean {
    const start = this.#rest.length - (/^\s/.test(text) ? this.#rest : this.#rest.trimStart()).length;
    if (!this.#rest.startsWith(text, start)) return false;
    this.#rest = this.#rest.slice(start + text.length);
    this.#state = next;
    return true;
  }
}

/** The scan of a JSON value. */
export interface JsonState {
  depth: number;
  /** Of a string, or of an escape in one. */
  within: "" | '"' | "\\";
  isWhole: boolean;
}

export function newJsonState(): JsonState {
  return { depth: 0, within: "", isWhole: false };
}

/** Characters of a text that belong to a JSON value in brackets which began before it, or in it. */
export function jsonEnd(state: JsonState, text: string): number {
  let at = 0;
  for (; at < text.length && !state.isWhole; at++) {
    const character = text.charAt(at);
    if (state.within === "\\") state.within = '"';
    else if (state.within !== "") {
      if (character === '"') state.within = "";
      else if (character === "\\") state.within = character;
    } else if (character === '"') state.within = character;
    else if ("[{".includes(character)) state.depth++;
    else if ("]}".includes(character)) state.isWhole = --state.depth <= 0;
  }
  return at;
}
