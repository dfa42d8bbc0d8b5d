// The options of ll-serve. Those of models and of sampling have the names and the meaning of ll-main.

import { type AnswerSampling, DEFAULT_DRAFT_TOKENS, MAX_DRAFT_TOKENS } from "@ll/chat";

export interface ServeParams {
  model: string;
  host: string;
  port: number;
  portFile: string | undefined;
  slots: number;
  contexts: number | undefined;
  queue: number;
  queueTimeoutS: number;
  maxStepMs: number;
  aliases: string[];
  template: string | undefined;
  apiKeyFile: string | undefined;
  hasNoAuth: boolean;
  allowHosts: string[];
  allowOrigins: string[];
  proxies: string[];
  drainSeconds: number;
  drainDelay: number;
  hasSlots: boolean;
  hasPage: boolean;
  sharesCache: boolean;
  log: (typeof LOGS)[number];
  contextTokens: number | undefined;
  batchTokens: number | undefined;
  threads: number | undefined;
  arithmetic: (typeof ARITHMETICS)[number] | undefined;
  cacheTypeK: CacheType;
  cacheTypeV: CacheType;
  lora: string | undefined;
  loraBase: string | undefined;
  lookup: number;
  draftModel: string | undefined;
  draftTokens: number;
  sampling: { -readonly [Name in keyof AnswerSampling]: AnswerSampling[Name] };
}

const LOGS = ["json", "text", "none"] as const;
const ARITHMETICS = ["build803", "lanes"] as const;
const CACHE_TYPES = ["f16", "f32", "q8_0"] as const;
type CacheType = (typeof CACHE_TYPES)[number];

export function defaultParams(): ServeParams {
  return {
    ...{ model: "", host: "127.0.0.1", port: 8080, portFile: undefined, slots: 4, contexts: undefined, queue: 64 },
    ...{ queueTimeoutS: 300, maxStepMs: 250, aliases: [], template: undefined, apiKeyFile: undefined },
    ...{
      hasNoAuth: false,
      allowHosts: [],
      allowOrigins: [],
      proxies: [],
      drainSeconds: 30,
      drainDelay: 0,
      hasSlots: false,
      hasPage: true,
    },
    ...{ sharesCache: false, log: "text", contextTokens: undefined, batchTokens: undefined, threads: undefined },
    ...{ arithmetic: undefined, cacheTypeK: "f16", cacheTypeV: "f16", lora: undefined, loraBase: undefined },
    ...{ lookup: 0, draftModel: undefined, draftTokens: DEFAULT_DRAFT_TOKENS, sampling: {} },
  };
}

/** A command line that was not understood: exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

export interface Option {
  readonly names: readonly string[];
  /** Placeholder of its value; none for a flag. */
  readonly value?: string | undefined;
  readonly help: string;
  /** Takes this variable where the option is not given. */
  readonly env?: string | undefined;
  /** @throws UsageError */
  set(params: ServeParams, text: string, name: string): void;
}

type Names = readonly string[];
/** Fields of the parameters that hold this. */
type Fields<T> = { [Name in keyof ServeParams]: T extends ServeParams[Name] ? Name : never }[keyof ServeParams];

function numberOf(low: number, high: number, text: string, name: string, isWhole = false): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= low && value <= high)) {
    throw new UsageError(`${name} expected a number from ${low} to ${high}, got ${text.slice(0, 100)}`);
  }
  if (isWhole && !Number.isInteger(value)) throw new UsageError(`${name} expected an integer, got ${text}`);
  return value;
}

function text(names: Names, field: Fields<string>, value: string, help: string, env?: string): Option {
  return { names, value, help, env, set: (params, given) => Object.assign(params, { [field]: given }) };
}

function list(name: string, field: Fields<string[]>, value: string, help: string): Option {
  return { names: [name], value, help, set: (params, given) => void params[field].push(given) };
}

function flag(name: string, field: Fields<boolean>, help: string): Option {
  return { names: [name], help, set: (params) => Object.assign(params, { [field]: true }) };
}

function word(name: string, field: keyof ServeParams, words: readonly string[], value: string, help: string): Option {
  const set: Option["set"] = (params, given) => {
    if (!words.includes(given)) {
      throw new UsageError(`${name} expected ${words.join(", ")}, got ${given.slice(0, 100)}`);
    }
    Object.assign(params, { [field]: given });
  };
  return { names: [name], value, help: `${words.join(", ")}: ${help}`, set };
}

function integer(names: Names, field: Fields<number>, range: Range, help: string, env?: string): Option {
  const [low, high] = range;
  const set: Option["set"] = (params, given, name) =>
    Object.assign(params, { [field]: numberOf(low, high, given, name, true) });
  return { names, value: "N", help, env, set };
}

function number(name: string, field: Fields<number>, value: string, [low, high]: Range, help: string): Option {
  const set: Option["set"] = (params, given) => Object.assign(params, { [field]: numberOf(low, high, given, name) });
  return { names: [name], value, help, set };
}

function sampling(name: string, field: keyof AnswerSampling, [low, high]: Range, help: string): Option {
  const set: Option["set"] = (params, given) =>
    Object.assign(params.sampling, { [field]: numberOf(low, high, given, name) });
  return { names: [name], value: "X", help, set };
}

type Range = readonly [low: number, high: number];
const MOST = 2 ** 31 - 1;

export const OPTIONS: readonly Option[] = [
  text(
    ["--model", "-m"],
    "model",
    "FILE",
    "a ggml, ggmf, ggjt or GGUF file, its URL, or a name such as hf:OWNER/REPO",
    "LL_MODEL",
  ),
  text(["--host"], "host", "ADDRESS", "address to listen on, or unix:/path.sock (127.0.0.1)"),
  integer(["--port"], "port", [0, 65_535], "port; 0 for any (8080)"),
  text(["--port-file"], "portFile", "FILE", "file that gets the port"),
  integer(
    ["--slots"],
    "slots",
    [1, 256],
    "sequences generated at the same time; each has all positions of the context for itself (4)",
  ),
  integer(
    ["--contexts"],
    "contexts",
    [1, 1024],
    "contexts that are kept; those above the slots remember prompts (twice the slots)",
  ),
  integer(["--queue"], "queue", [0, 100_000], "requests that wait; beyond, they are told so (64)"),
  number("--queue-timeout", "queueTimeoutS", "S", [0, MOST], "seconds that a request waits (300)"),
  number(
    "--max-step-ms",
    "maxStepMs",
    "MS",
    [1, MOST],
    "time of a step while others generate: a long prompt slows them down so far (250)",
  ),
  list(
    "--alias",
    "aliases",
    "NAME",
    "name under which the model answers; * for any; again for another (the file's name)",
  ),
  text(["--template"], "template", "NAME|FILE", "chat template (the file's own, else plain)"),
  text(["--api-key-file"], "apiKeyFile", "FILE", "keys, one a line, # for comments; or LL_API_KEY"),
  flag("--no-auth", "hasNoAuth", "let others than this machine ask without a key"),
  list("--allow-host", "allowHosts", "NAME", "another name of this server"),
  list("--allow-origin", "allowOrigins", "ORIGIN", "a site whose pages may ask, such as https://example.org"),
  list("--proxy", "proxies", "ADDRESS", "a proxy in front, whose x-forwarded-for says who asks; again for another"),
  number("--drain-seconds", "drainSeconds", "S", [0, 3600], "time for answers to end when the server goes down (30)"),
  number("--drain-delay", "drainDelay", "S", [0, 3600], "time for balancers to notice it before (0)"),
  flag("--slots-endpoint", "hasSlots", "answer GET /slots"),
  {
    names: ["--no-ui"],
    help: "no chat page at /",
    set: (params) => {
      params.hasPage = false;
    },
  },
  flag("--share-cache", "sharesCache", "share prompts between clients; how fast an answer comes then tells of others"),
  word("--log", "log", LOGS, "KIND", "a line for each request on standard error (text)"),
  integer(
    ["--ctx-size", "-c"],
    "contextTokens",
    [8, MOST],
    "positions of a context (the file's, at most 4096)",
    "LL_CTX_SIZE",
  ),
  integer(["--batch-size", "-b"], "batchTokens", [8, 512], "tokens of prompts in one step (64)"),
  integer(["--threads", "-t"], "threads", [1, 512], "threads (as many as help)", "LL_THREADS"),
  word("--arithmetic", "arithmetic", ARITHMETICS, "NAME", "how numbers are rounded (the file's own)"),
  word("--cache-type-k", "cacheTypeK", CACHE_TYPES, "TYPE", "precision of the keys of a context (f16)"),
  word("--cache-type-v", "cacheTypeV", CACHE_TYPES, "TYPE", "precision of its values (f16)"),
  {
    names: ["--memory-f32"],
    help: "both in f32",
    set: (params) => Object.assign(params, { cacheTypeK: "f32", cacheTypeV: "f32" }),
  },
  text(["--lora"], "lora", "FILE", "apply a LoRA adapter (ggla or GGUF)"),
  text(["--lora-base"], "loraBase", "FILE", "f16 or f32 model that it is added to instead"),
  integer(
    ["--lookup"],
    "lookup",
    [0, MAX_DRAFT_TOKENS],
    "check so many tokens at once that followed the same words before (0)",
  ),
  text(["--draft-model"], "draftModel", "FILE", "small model of the same vocabulary whose guesses are checked at once"),
  integer(
    ["--draft"],
    "draftTokens",
    [0, MAX_DRAFT_TOKENS],
    `tokens that --draft-model guesses at most (${DEFAULT_DRAFT_TOKENS})`,
  ),
  {
    names: ["--seed", "-s"],
    value: "N",
    help: "seed of requests that have none; -1 draws one for each (-1)",
    set: (params, given, name) => {
      const seed = numberOf(-1, 2 ** 32 - 1, given, name, true);
      params.sampling.seed = seed < 0 ? undefined : seed;
    },
  },
  sampling("--temp", "temperature", [0, 1000], "temperature; 0 takes the most likely token (0.8)"),
  sampling("--top-k", "topK", [-MOST, MOST], "keep the N most likely tokens; 0 for all (40)"),
  sampling("--top-p", "topP", [0, 1], "keep the likeliest tokens up to this probability; 1 for all (0.95)"),
  sampling("--min-p", "minP", [0, 1], "keep tokens this likely beside the likeliest; 0 is off (0)"),
  sampling("--typical", "typicalP", [0, 1], "locally typical sampling; 1 is off (1)"),
  sampling("--tfs", "tfsZ", [0, 1], "tail-free sampling; 1 is off (1)"),
  sampling("--repeat-last-n", "repeatLastN", [-1, MOST], "tokens looked back for penalties; -1 the context (64)"),
  sampling(
    "--repeat-penalty",
    "repeatPenalty",
    [0.01, 1000],
    "penalty on repeated tokens; 1 is off (1.1, for GGUF files 1)",
  ),
  sampling("--frequency-penalty", "frequencyPenalty", [-1000, 1000], "penalty per occurrence (0)"),
  sampling("--presence-penalty", "presencePenalty", [-1000, 1000], "penalty on tokens that occurred (0)"),
];
