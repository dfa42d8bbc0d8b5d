// GET /metrics. No label holds what a client made up, but for the status.

import type { ChatModel, Usage } from "@ll/chat";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ModelHost } from "./model-host.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128];

export type Phase = "queue" | "prompt" | "generate";

export interface Metrics {
  requestEnded(route: string, status: number, seconds: number): void;
  cancelled(phase: Phase): void;
  queued(seconds: number): void;
  firstToken(seconds: number): void;
  nextToken(seconds: number): void;
  tokens(usage: Usage): void;
  stepped(step: { readonly rows: number; readonly ms: number }): void;
  modelReady(model: ChatModel): void;
  text(): Promise<{ readonly type: string; readonly text: string }>;
}

export function createMetrics(host: ModelHost, version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
    new Counter({ name: `ll_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) =>
    new Histogram({ name: `ll_${name}`, help, buckets, labelNames, registers });
  const gauge = (name: string, help: string, value: (model: ChatModel) => number): Gauge =>
    new Gauge({
      name: `ll_${name}`,
      help,
      registers,
      collect() {
        this.set(host.model === undefined ? 0 : value(host.model));
      },
    });

  const requests = counter("requests_total", "Requests that ended", ["route", "status"]);
  const cancelled = counter("requests_cancelled_total", "Requests whose client left", ["phase"]);
  const promptTokens = counter("prompt_tokens_total", "Tokens of prompts", ["source"]);
  const generatedTokens = counter("generated_tokens_total", "Tokens drawn");
  const draftedTokens = counter("drafted_tokens_total", "Tokens that were guessed", ["result"]);
  const requestSeconds = histogram("request_seconds", "Time to the end of a request", SECONDS, ["route"]);
  const queueSeconds = histogram("queue_seconds", "Time until a slot was free", SECONDS);
  const firstToken = histogram("time_to_first_token_seconds", "Time to the first token", SECONDS);
  const nextToken = histogram("inter_token_seconds", "Time between two texts of an answer", SECONDS);
  const stepSeconds = histogram("step_seconds", "Time of a step", SECONDS);
  const stepRows = histogram("step_rows", "Rows of a step", ROWS);
  gauge("requests_running", "Sequences that run", (model) => model.stats().running);
  gauge("requests_waiting", "Sequences that wait", (model) => model.stats().waiting);
  gauge("slots", "Sequences that can run at the same time", (model) => model.info.parallel);
  gauge("engine_stalled", "1 if something runs and no step ends", () => (host.isStalled ? 1 : 0));
  new Gauge({
    name: "ll_contexts",
    help: "Contexts, by what they hold",
    labelNames: ["state"],
    registers,
    collect() {
      const slots = host.model?.stats().slots ?? [];
      const count = (is: (slot: (typeof slots)[number]) => boolean): number => slots.filter(is).length;
      this.set(
        { state: "busy" },
        count(({ state }) => state !== "idle"),
      );
      this.set(
        { state: "prefix" },
        count(({ state, held }) => state === "idle" && held > 0),
      );
      this.set(
        { state: "free" },
        count(({ state, held }) => state === "idle" && held === 0),
      );
    },
  });
  new Gauge({
    name: "ll_kv_positions",
    help: "Positions of contexts",
    labelNames: ["kind"],
    registers,
    collect() {
      const { model } = host;
      const slots = model?.stats().slots ?? [];
      this.set(
        { kind: "used" },
        slots.reduce((sum, { held }) => sum + held, 0),
      );
      this.set({ kind: "capacity" }, slots.length * (model?.info.contextTokens ?? 0));
    },
  });
  const modelInfo = new Gauge({
    name: "ll_model_info",
    help: "The model",
    labelNames: ["model", "type", "kernels", "threads", "fingerprint"],
    registers,
  });
  new Gauge({ name: "ll_build_info", help: "This program", labelNames: ["version"], registers }).set({ version }, 1);

  return {
    requestEnded(route, status, seconds) {
      requests.inc({ route, status });
      requestSeconds.observe({ route }, seconds);
    },
    cancelled: (phase) => cancelled.inc({ phase }),
    queued: (seconds) => queueSeconds.observe(seconds),
    firstToken: (seconds) => firstToken.observe(seconds),
    nextToken: (seconds) => nextToken.observe(seconds),
    tokens(usage) {
      promptTokens.inc({ source: "computed" }, usage.promptTokens - usage.cachedTokens);
      promptTokens.inc({ source: "cached" }, usage.cachedTokens);
      generatedTokens.inc(usage.completionTokens);
      draftedTokens.inc({ result: "accepted" }, usage.acceptedTokens);
      draftedTokens.inc({ result: "rejected" }, usage.draftedTokens - usage.acceptedTokens);
    },
    stepped({ rows, ms }) {
      stepSeconds.observe(ms / 1000);
      stepRows.observe(rows);
    },
    modelReady({ info }) {
      const { name, weightType, kernels, threads, fingerprint = "" } = info;
      modelInfo.reset();
      modelInfo.set({ model: name, type: weightType, kernels, threads, fingerprint }, 1);
    },
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
