// A model to talk to, and sessions with it: what callers see.

import type { AbortSignal as Signal } from "@ll/bytes";
import type { Pooling } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { Answer } from "./answer.ts";
import type { AnswerSampling, GenerateOptions } from "./generate.ts";
import type { Message, Tools } from "./messages.ts";
import type { AsyncDisposal } from "./platform-types.ts";
import type { EngineStats } from "./scheduler.ts";
import type { Schema, SchemaOutput } from "./schema.ts";

export interface ChatOptions<S extends Schema = Schema> extends GenerateOptions {
  /** Put in front, unless the conversation begins with a system message. */
  readonly system?: string | undefined;
  /** What `json()` gives. The answer follows it, but for what `warnings` names. */
  readonly schema?: S | undefined;
  readonly tools?: Tools | undefined;
  readonly toolChoice?: "auto" | "none" | "required" | { readonly name: string } | undefined;
  /** Several calls in one answer. Default true. */
  readonly parallelToolCalls?: boolean | undefined;
  /** How often tools are run before the answer ends with their calls. Default 8. */
  readonly maxRounds?: number | undefined;
  /** Whether the model is to think, where its template can say so. */
  readonly think?: boolean | undefined;
  /** What the template of the file asks for beside messages and tools, such as `{ reasoning_effort: "low" }`: plain data. */
  readonly templateArguments?: Readonly<Record<string, unknown>> | undefined;
}

export interface CompleteOptions<S extends Schema = Schema> extends GenerateOptions {
  readonly schema?: S | undefined;
}

export interface EmbedOptions {
  /** Divided by its Euclidean norm; default true. */
  readonly normalize?: boolean;
  /** Default: what the file says, else "last". */
  readonly pooling?: Pooling;
  readonly signal?: Signal;
}

export interface ModelInfo {
  readonly name: string;
  /** Such as `gguf v3`. */
  readonly container: string;
  readonly architecture: string;
  readonly nEmbd: number;
  readonly nParameters: number;
  readonly weightBytes: number;
  /** The type of most of these bytes, such as `q4_0`. */
  readonly weightType: string;
  /** How numbers are rounded. */
  readonly arithmetic: string;
  readonly kvType: string;
  readonly contextTokens: number;
  readonly parallel: number;
  readonly threads: number;
  readonly kernels: string;
  readonly template: string;
  readonly pooling: Pooling;
  /** What answers take that are asked for nothing else, where it is not the usual: of the file, or of whoever opened it. */
  readonly sampling: AnswerSampling;
  /** Equal for equal weights; undefined where the engine does not know. */
  readonly fingerprint: string | undefined;
  /** What the file lacks or gets wrong, and what is done instead. */
  readonly warnings: readonly string[];
}

export interface ChatModel extends AsyncDisposal {
  readonly info: ModelInfo;
  readonly tokenizer: Tokenizer;
  /** Goes on with a text, or with ids as they are. */
  complete<S extends Schema = Schema>(
    prompt: string | ArrayLike<number>,
    options?: CompleteOptions<S>,
  ): Answer<SchemaOutput<S>>;
  /** Answers a conversation, of which nothing is remembered. */
  chat<S extends Schema = Schema>(
    messages: string | readonly Message[],
    options?: ChatOptions<S>,
  ): Answer<SchemaOutput<S>>;
  session(options?: SessionOptions): Session;
  /** Of a text, or of ids as they are: (nEmbd). */
  embed(text: string | Int32Array, options?: EmbedOptions): Promise<Float32Array>;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Tokens of a text, or of the prompt that a conversation becomes. */
  countTokens(input: string | readonly Message[], options?: { readonly tools?: Tools }): number;
  /** The prompt that a conversation becomes. */
  promptIds(messages: readonly Message[], options?: { readonly tools?: Tools }): readonly number[];
  stats(): EngineStats;
  /** For servers, before they read a request. @throws AnswerError `E_OVERLOADED` if an answer would find no place */
  assertRoom(): void;
  /** Ends answers with an error. */
  dispose(): Promise<void>;
}

export interface SessionOptions {
  readonly system?: string | undefined;
  readonly turns?: readonly Message[] | undefined;
  /** When the context is full: leave out whole turns, the oldest first, or end with a `ContextOverflowError`. Default "forget". */
  readonly overflow?: "forget" | "error" | undefined;
}

/** A turn is a message of the user and what came of it. */
export interface Session {
  readonly turns: readonly Message[];
  /** Messages at the beginning that no longer fit into the context. */
  readonly nForgotten: number;
  /** Tokens of the prompt that the turns become. */
  readonly usedTokens: number;
  system: string | undefined;
  /** Adds a turn, once it is answered. An answer that fails or is cancelled adds nothing. */
  ask<S extends Schema = Schema>(text: string, options?: ChatOptions<S>): Answer<SchemaOutput<S>>;
  /** The last answer anew, with the next seed unless one is given. */
  regenerate<S extends Schema = Schema>(options?: ChatOptions<S>): Answer<SchemaOutput<S>>;
  /** Changes what the user said and drops what came after; `regenerate` answers it. @param turn index of a message of the user */
  edit(turn: number, text: string): void;
  /** A session of its own with the same turns. */
  fork(): Session;
  toJSON(): SavedSession;
}

/** Plain data. */
export interface SavedSession {
  readonly version: 1;
  readonly system?: string | undefined;
  readonly turns: readonly Message[];
  readonly nForgotten: number;
  /** Of the last answer. */
  readonly seed?: number | undefined;
  readonly overflow: "forget" | "error";
}
