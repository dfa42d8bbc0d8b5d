// What is known of one request when it ends: for the log and for the metrics. Never texts, headers or keys.

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { AnswerResult } from "@ll/chat";
import type { AnswerObserver, ChoiceEvent } from "@ll/openai-api";
import type { Admission } from "./guard.ts";
import type { Metrics, Phase } from "./metrics.ts";

export interface LogLine {
  readonly time: string;
  readonly id: string;
  readonly route: string;
  /** 499 if the client left before the answer was whole. */
  readonly status: number;
  /** Number of the key; 0 without keys. */
  readonly key: number;
  readonly ms: number;
  readonly queue_ms: number;
  readonly prompt_ms: number;
  readonly generate_ms: number;
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly generated_tokens: number;
  readonly finish: string | null;
  readonly bytes: number;
}

/** A status that servers log and never send. */
const CLIENT_LEFT = 499;

export class RequestRecord implements AnswerObserver {
  readonly #id: string;
  readonly #route: string;
  readonly #metrics: Metrics;
  readonly #startedAt = performance.now();
  #admission: Admission | undefined;
  #phase: Phase | undefined; // of choice 0
  #textAt = 0;
  #results: readonly AnswerResult[] = [];
  readonly #socket: Socket | null;
  readonly #bytesBefore: number;

  constructor(id: string, route: string, metrics: Metrics, outgoing: ServerResponse) {
    this.#socket = outgoing.socket; // gone from it when it is closed
    this.#bytesBefore = this.#socket?.bytesWritten ?? 0; // of requests before this one
    this.#id = id;
    this.#route = route;
    this.#metrics = metrics;
  }

  get client(): string | undefined {
    return this.#admission?.client;
  }

  admitted(admission: Admission): void {
    this.#admission = admission;
  }

  readonly event = (index: number, event: ChoiceEvent): void => {
    if (index !== 0) return;
    const now = performance.now();
    if (event.type === "prompt") {
      if (this.#phase === "queue") {
        this.#phase = "prompt";
        this.#metrics.queued((now - this.#startedAt) / 1000);
      }
      this.#phase ??= "queue";
      return;
    }
    if (this.#phase === "generate") this.#metrics.nextToken((now - this.#textAt) / 1000);
    else this.#metrics.firstToken((now - this.#startedAt) / 1000);
    this.#phase = "generate";
    this.#textAt = now;
  };

  readonly end = (results: readonly AnswerResult[]): void => {
    this.#results = results;
    for (const { usage } of results) this.#metrics.tokens(usage);
  };

  readonly fail = (): void => undefined;

  /** The connection has what it gets. */
  close(outgoing: ServerResponse, log: (line: LogLine) => void): void {
    const isWhole = outgoing.writableFinished;
    const ms = performance.now() - this.#startedAt;
    const status = isWhole ? outgoing.statusCode : CLIENT_LEFT;
    this.#metrics.requestEnded(this.#route, status, ms / 1000);
    if (!isWhole && this.#phase !== undefined) this.#metrics.cancelled(this.#phase);
    const sum = (of: (result: AnswerResult) => number): number =>
      Math.round(this.#results.reduce((total, result) => total + of(result), 0));
    const [first] = this.#results;
    log({
      time: new Date().toISOString(),
      id: this.#id,
      route: this.#route,
      status,
      key: this.#admission?.key ?? 0,
      ms: Math.round(ms),
      queue_ms: Math.round(first?.timings.queueMs ?? 0),
      prompt_ms: Math.round(first?.timings.promptMs ?? 0),
      generate_ms: Math.round(first?.timings.generateMs ?? 0),
      prompt_tokens: sum(({ usage }) => usage.promptTokens),
      cached_tokens: sum(({ usage }) => usage.cachedTokens),
      generated_tokens: sum(({ usage }) => usage.completionTokens),
      finish: first?.finish ?? null,
      bytes: (this.#socket?.bytesWritten ?? 0) - this.#bytesBefore,
    });
  }
}
