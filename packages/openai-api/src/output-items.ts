// The items of an answer of /v1/responses, as they grow: a thought, texts, calls. Streamed or not, they are built from the same events.

import { newId } from "./answer-parts.ts";
import type { ChoiceEvent } from "./run-choices.ts";

export type SendEvent = (type: string, fields: object) => void;

interface OpenItem {
  readonly type: "reasoning" | "message" | "function_call";
  readonly id: string;
  readonly name?: string;
  readonly callId?: string;
  text: string;
}

export class OutputItems {
  readonly #send: SendEvent;
  readonly #done: object[] = [];
  #open: OpenItem | undefined;

  /** @param send takes what a stream says of it */
  constructor(send: SendEvent) {
    this.#send = send;
  }

  push(event: ChoiceEvent): void {
    switch (event.type) {
      case "reasoning":
        this.#grow("reasoning", event.text);
        break;
      case "text":
        if (event.text !== "") this.#grow("message", event.text);
        break;
      case "tool-call-start":
        this.#begin({ type: "function_call", id: newId("fc_"), name: event.name, callId: event.id, text: "" });
        break;
      case "tool-call-delta":
        this.#grow("function_call", event.delta);
        break;
      case "tool-call":
        this.#end("completed");
        break;
      case "prompt":
    }
  }

  /** All items; an answer without any has an empty text. @param status of the last one */
  finish(status: "completed" | "incomplete"): readonly object[] {
    if (this.#open === undefined && this.#done.length === 0) this.#grow("message", "");
    this.#end(status);
    return this.#done;
  }

  #grow(type: OpenItem["type"], text: string): void {
    if (this.#open?.type !== type) this.#begin({ type, id: newId(type === "message" ? "msg_" : "rs_"), text: "" });
    const item = this.#open as OpenItem;
    item.text += text;
    const place = { item_id: item.id, output_index: this.#done.length };
    if (type === "function_call") this.#send("response.function_call_arguments.delta", { ...place, delta: text });
    else if (type === "reasoning")
      this.#send("response.reasoning_text.delta", { ...place, content_index: 0, delta: text });
    else if (text !== "") {
      this.#send("response.output_text.delta", { ...place, content_index: 0, delta: text, logprobs: [] });
    }
  }

  #begin(item: OpenItem): void {
    this.#end("completed");
    this.#open = item;
    const output_index = this.#done.length;
    this.#send("response.output_item.added", { output_index, item: shape(item, "in_progress", true) });
    if (item.type === "function_call") return;
    const place = { item_id: item.id, output_index, content_index: 0 };
    this.#send("response.content_part.added", { ...place, part: partOf(item) });
  }

  #end(status: "completed" | "incomplete"): void {
    const item = this.#open;
    if (item === undefined) return;
    this.#open = undefined;
    const output_index = this.#done.length;
    const place = { item_id: item.id, output_index };
    const { text } = item;
    if (item.type === "function_call") {
      this.#send("response.function_call_arguments.done", { ...place, arguments: text, name: item.name });
    } else {
      const content = { ...place, content_index: 0 };
      if (item.type === "reasoning") this.#send("response.reasoning_text.done", { ...content, text });
      else this.#send("response.output_text.done", { ...content, text, logprobs: [] });
      this.#send("response.content_part.done", { ...content, part: partOf(item) });
    }
    const whole = shape(item, status, false);
    this.#done.push(whole);
    this.#send("response.output_item.done", { output_index, item: whole });
  }
}

function partOf({ type, text }: OpenItem): object {
  return type === "reasoning"
    ? { type: "reasoning_text", text }
    : { type: "output_text", text, annotations: [], logprobs: [] };
}

/** @param isNew without what it says */
function shape(item: OpenItem, status: string, isNew: boolean): object {
  const { type, id } = item;
  if (type === "function_call") {
    return { id, type, call_id: item.callId, name: item.name, arguments: isNew ? "" : item.text, status };
  }
  const content = isNew ? [] : [partOf(item)];
  return type === "reasoning"
    ? { id, type, summary: [], content, status }
    : { id, type, role: "assistant", status, content };
}
