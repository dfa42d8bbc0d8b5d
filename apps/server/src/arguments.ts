// The command line of ll-serve. Options of models and of sampling have the names and the meaning of ll-main.

import type { AnswerSampling } from "@ll/chat";
import { isLoopback } from "./guard.ts";

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
  sharesCache: boolean;
  log: "json" | "text" | "none";
  contextTokens: number | undefined;
  threads: number | undefined;
  arithmetic: "build803" | "lanes" | undefined;
  memoryF32: boolean;
  sampling: { -readonly [Name in keyof AnswerSampling]: AnswerSampling[Name] };
}

/** A command line that was not understood: exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

interface Option {
  readonly names: readonly string[];
  /** Placeholder of its value; none for a flag. */
  readonly value?: string;
  readonly help: string;
  /** Takes this variable where the option is not given. */
  readonly env?: string;
  set(params: ServeParams, text: string, name: string): void;
}

function numberIn(low: number, high: number, text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= low && value <= high)) {
    throw new UsageError(`${name} expected a number from ${low} to ${high}, got ${text.slice(0, 100)}`);
  }
  return value;
}

function integerIn(low: number, high: number, text: string, name: string): number {
  const value = numberIn(low, high, text, name);
  if (!Number.isInteger(value)) throw new UsageError(`${name} expected an integer, got ${text}`);
  return value;
}

function oneOf<const T extends string>(values: readonly T[], text: string, name: string): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${name} expected ${values.join(", ")}, got ${text.slice(0, 100)}`);
  return found;
}

function sampling(name: string, key: keyof AnswerSampling, low: number, high: number, help: string): Option {
  return {
    names: [name],
    value: "X",
    help,
    set: (params, text) => {
      Object.assign(params.sampling, { [key]: numberIn(low, high, text, name) });
    },
  };
}

const MOST = 2 ** 31 - 1;

const OPTIONS: readonly Option[] = [
  {
    names: ["--model", "-m"],
    value: "FILE",
    help: "a ggml, ggmf, ggjt or GGUF file, or its URL",
    env: "LL_MODEL",
    set: (p, text) => {
      p.model = text;
    },
  },
  {
    names: ["--host"],
    value: "ADDRESS",
    help: "address to listen on, or unix:/path.sock (127.0.0.1)",
    set: (p, text) => {
      p.host = text;
    },
  },
  {
    names: ["--port"],
    value: "N",
    help: "port; 0 for any (8080)",
    set: (p, text, name) => {
      p.port = integerIn(0, 65_535, text, name);
    },
  },
  {
    names: ["--port-file"],
    value: "FILE",
    help: "file that gets the port",
    set: (p, text) => {
      p.portFile = text;
    },
  },
  {
    names: ["--slots"],
    value: "N",
    help: "sequences generated at the same time; each has all positions of the context for itself (4)",
    set: (p, text, name) => {
      p.slots = integerIn(1, 256, text, name);
    },
  },
  {
    names: ["--contexts"],
    value: "N",
    help: "contexts that are kept; those above the slots remember prompts (twice the slots)",
    set: (p, text, name) => {
      p.contexts = integerIn(1, 1024, text, name);
    },
  },
  {
    names: ["--queue"],
    value: "N",
    help: "requests that wait; beyond, they are told so (64)",
    set: (p, text, name) => {
      p.queue = integerIn(0, 100_000, text, name);
    },
  },
  {
    names: ["--queue-timeout"],
    value: "S",
    help: "seconds that a request waits (300)",
    set: (p, text, name) => {
      p.queueTimeoutS = numberIn(0, MOST, text, name);
    },
  },
  {
    names: ["--max-step-ms"],
    value: "MS",
    help: "time of a step while others generate: a long prompt slows them down so far (250)",
    set: (p, text, name) => {
      p.maxStepMs = numberIn(1, MOST, text, name);
    },
  },
  {
    names: ["--alias"],
    value: "NAME",
    help: "name under which the model answers; * for any; again for another (the file's name)",
    set: (p, text) => {
      p.aliases.push(text);
    },
  },
  {
    names: ["--template"],
    value: "NAME|FILE",
    help: "chat template (the file's own, else plain)",
    set: (p, text) => {
      p.template = text;
    },
  },
  {
    names: ["--api-key-file"],
    value: "FILE",
    help: "keys, one a line, # for comments; or LL_API_KEY",
    set: (p, text) => {
      p.apiKeyFile = text;
    },
  },
  {
    names: ["--no-auth"],
    help: "let others than this machine ask without a key",
    set: (p) => {
      p.hasNoAuth = true;
    },
  },
  {
    names: ["--allow-host"],
    value: "NAME",
    help: "another name of this server",
    set: (p, text) => {
      p.allowHosts.push(text);
    },
  },
  {
    names: ["--allow-origin"],
    value: "ORIGIN",
    help: "a site whose pages may ask, such as https://example.org",
    set: (p, text) => {
      p.allowOrigins.push(text);
    },
  },
  {
    names: ["--proxy"],
    value: "ADDRESS",
    help: "a proxy in front, whose x-forwarded-for says who asks; again for another",
    set: (p, text) => {
      p.proxies.push(text);
    },
  },
  {
    names: ["--drain-seconds"],
    value: "S",
    help: "time for answers to end when the server goes down (30)",
    set: (p, text, name) => {
      p.drainSeconds = numberIn(0, 3600, text, name);
    },
  },
  {
    names: ["--drain-delay"],
    value: "S",
    help: "time for balancers to notice it before (0)",
    set: (p, text, name) => {
      p.drainDelay = numberIn(0, 3600, text, name);
    },
  },
  {
    names: ["--slots-endpoint"],
    help: "answer GET /slots",
    set: (p) => {
      p.hasSlots = true;
    },
  },
  {
    names: ["--share-cache"],
    help: "share prompts between clients; how fast an answer comes then tells of others",
    set: (p) => {
      p.sharesCache = true;
    },
  },
  {
    names: ["--log"],
    value: "KIND",
    help: "a line for each request on standard error: json, text or none (text)",
    set: (p, text, name) => {
      p.log = oneOf(["json", "text", "none"], text, name);
    },
  },
  {
    names: ["--ctx-size", "-c"],
    value: "N",
    help: "positions of a context (the file's, at most 4096)",
    env: "LL_CTX_SIZE",
    set: (p, text, name) => {
      p.contextTokens = integerIn(8, MOST, text, name);
    },
  },
  {
    names: ["--threads", "-t"],
    value: "N",
    help: "threads (as many as help)",
    env: "LL_THREADS",
    set: (p, text, name) => {
      p.threads = integerIn(1, 512, text, name);
    },
  },
  {
    names: ["--arithmetic"],
    value: "NAME",
    help: "build803 or lanes (the file's own)",
    set: (p, text, name) => {
      p.arithmetic = oneOf(["build803", "lanes"], text, name);
    },
  },
  {
    names: ["--memory-f32"],
    help: "caches of 32 bits instead of 16",
    set: (p) => {
      p.memoryF32 = true;
    },
  },
  {
    names: ["--seed", "-s"],
    value: "N",
    help: "seed of requests that have none; -1 draws one for each (-1)",
    set: (p, text, name) => {
      const seed = integerIn(-1, 2 ** 32 - 1, text, name);
      p.sampling.seed = seed < 0 ? undefined : seed;
    },
  },
  sampling("--temp", "temperature", 0, 1000, "temperature; 0 takes the most likely token (0.8)"),
  sampling("--top-k", "topK", -MOST, MOST, "keep the N most likely tokens; 0 for all (40)"),
  sampling("--top-p", "topP", 0, 1, "keep the likeliest tokens up to this probability; 1 for all (0.95)"),
  sampling("--min-p", "minP", 0, 1, "keep tokens this likely beside the likeliest; 0 is off (0)"),
  sampling("--typical", "typicalP", 0, 1, "locally typical sampling; 1 is off (1)"),
  sampling("--tfs", "tfsZ", 0, 1, "tail-free sampling; 1 is off (1)"),
  sampling("--repeat-last-n", "repeatLastN", -1, MOST, "tokens looked back for penalties; -1 the context (64)"),
  sampling(
    "--repeat-penalty",
    "repeatPenalty",
    0.01,
    1000,
    "penalty on repeated tokens; 1 is off (1.1, for GGUF files 1)",
  ),
  sampling("--frequency-penalty", "frequencyPenalty", -1000, 1000, "penalty per occurrence (0)"),
  sampling("--presence-penalty", "presencePenalty", -1000, 1000, "penalty on tokens that occurred (0)"),
];

function defaults(): ServeParams {
  return {
    ...{ model: "", host: "127.0.0.1", port: 8080, portFile: undefined, slots: 4, contexts: undefined, queue: 64 },
    ...{ queueTimeoutS: 300, maxStepMs: 250, aliases: [], template: undefined, apiKeyFile: undefined },
    ...{ hasNoAuth: false, allowHosts: [], allowOrigins: [], proxies: [], drainSeconds: 30, drainDelay: 0 },
    ...{
      hasSlots: false,
      sharesCache: false,
      log: "text",
      contextTokens: undefined,
      threads: undefined,
      arithmetic: undefined,
    },
    ...{ memoryF32: false, sampling: {} },
  };
}

/**
 * @returns "help" or "version" if it was asked for
 * @throws UsageError
 */
export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeParams | "help" | "version" {
  const params = defaults();
  const given = new Set<Option>();
  let hasModel = false;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    if (argument === "--help" || argument === "-h") return "help";
    if (argument === "--version") return "version";
    if (!argument.startsWith("-")) {
      if (hasModel) throw new UsageError(`expected one model, got ${argument.slice(0, 200)} as well`);
      params.model = argument;
      hasModel = true;
      continue;
    }
    const [name, ...rest] = argument.split("=") as [string, ...string[]];
    const option = OPTIONS.find(({ names }) => names.includes(name.replaceAll("_", "-")));
    if (option === undefined) throw new UsageError(`no such option: ${name.slice(0, 100)}`);
    const text = option.value === undefined || rest.length > 0 ? rest.join("=") : argv[++i];
    if (text === undefined) throw new UsageError(`${name} expected ${option.value} behind it`);
    option.set(params, text, name);
    given.add(option);
    if (name === "--model" || name === "-m") hasModel = true;
  }
  for (const option of OPTIONS) {
    const text = option.env === undefined ? undefined : env[option.env];
    const isModel = option.names[0] === "--model";
    if (text && !given.has(option) && !(isModel && hasModel)) option.set(params, text, option.env as string);
  }
  if (params.model === "") throw new UsageError("expected a model: ll-serve MODEL");
  if (params.contexts !== undefined && params.contexts < params.slots) {
    throw new UsageError(`--contexts expected at least ${params.slots}, as many as there are slots`);
  }
  return params;
}

/** @throws UsageError if strangers could ask without a key */
export function assertGuarded({ host, hasNoAuth }: ServeParams, keys: readonly string[]): void {
  if (isLoopback(host) || hasNoAuth || keys.length > 0) return;
  throw new UsageError(`${host} can be reached from other machines: give keys with --api-key-file, or --no-auth`);
}

export function helpText(): string {
  const left = OPTIONS.map(({ names, value }) => `  ${names.join(", ")}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...left.map(({ length }) => length)) + 2;
  const rows = OPTIONS.map(({ help }, i) => `${left[i]?.padEnd(width)}${help}`);
  return [
    "usage: ll-serve MODEL [options]",
    "",
    "Answers OpenAI's API for one model, on this machine:",
    "  ll-serve model-q4_0.bin",
    "  ll-serve model.gguf --port 0 --slots 8 --alias gpt-4o",
    "",
    "Options (defaults in brackets):",
    ...rows,
    "  --help, -h, --version",
    "",
  ].join("\n");
}
