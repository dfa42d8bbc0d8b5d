// What turns a conversation into the ids of a prompt.

import type { Tokenizer } from "@ll/tokenizer";
import type { OutputFormat } from "../format/output-format.ts";
import type { Message } from "../messages.ts";

/** A tool as templates see it: OpenAI's shape. */
export interface TemplateTool {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

export interface RenderRequest {
  readonly messages: readonly Message[];
  /** None: an empty list. */
  readonly tools: readonly TemplateTool[];
  /** Whether the model is to think, where its template can say so. */
  readonly think?: boolean | undefined;
  /** Plain data that the template of a file may ask for, such as `reasoning_effort`, `documents` or `date_string`. */
  readonly templateArguments?: Readonly<Record<string, unknown>> | undefined;
}

export interface RenderedPrompt {
  readonly ids: readonly number[];
  /** The answer goes on within a thought. */
  readonly startsInThought: boolean;
}

export interface ChatTemplate {
  readonly name: string;
  /** How the model writes thoughts and calls; undefined for `PLAIN_FORMAT`. */
  readonly format: OutputFormat | undefined;
  /** An answer ends before any of these. */
  readonly stop: readonly string[];
  /** Put in front of conversations that have no system message; "" for none. */
  readonly system: string;
  /** Ids of a conversation, up to where the model goes on: behind the last message, if that is the beginning of an answer. */
  render(request: RenderRequest, tokenizer: Tokenizer): RenderedPrompt;
}
