// Every option of ll-main, in one table. Names and meanings are build 803's.

import { readFile } from "node:fs/promises";
import { invalidParameter, type OptionSpec, type ValueKind } from "../../option-table.ts";
import type { MainParams } from "./params.ts";

/** Longest prompt file that is read; far beyond any context. */
const PROMPT_FILE_BYTES = 64 * 1024 * 1024;

const EOS = 2;

type Names = readonly [string, ...string[]];

function option(
  group: string,
  names: Names,
  value: ValueKind,
  placeholder: string,
  help: string,
  shownDefault: string | undefined,
  set: OptionSpec<MainParams>["set"],
): OptionSpec<MainParams> {
  const shown = shownDefault === undefined ? {} : { shownDefault };
  return { group, names, value, placeholder, help, set, ...shown };
}

function flag(group: string, names: Names, help: string, set: (params: MainParams) => void): OptionSpec<MainParams> {
  return { group, names, value: "flag", help, set };
}

/** An option of build 803 that means nothing here: accepted, with one clear line. */
function ignored(names: Names, value: ValueKind, what: string): OptionSpec<MainParams> {
  return {
    group: "Accepted and without effect",
    names,
    value,
    ...(value === "flag" ? {} : { placeholder: "N" }),
    help: what,
    set: (params, { option }) => {
      params.notices.push(`warning: ${option} has no effect here: ${what}`);
    },
  };
}

export const MAIN_OPTIONS: readonly OptionSpec<MainParams>[] = [
  option("Model", ["--model", "-m"], "path", "FILE", "model file", "models/7B/ggml-model.bin", (p, v) => {
    p.model = v.text;
  }),
  option("Model", ["--ctx-size", "-c"], "int", "N", "size of the context in tokens", "512", (p, v) => {
    p.contextTokens = v.number;
  }),
  option(
    "Model",
    ["--rms-norm-eps", "-eps"],
    "float",
    "X",
    "epsilon of the RMS norm; 1e-5 for Llama-2",
    "1e-6",
    (p, v) => {
      p.rmsNormEps = v.number;
    },
  ),
  option("Model", ["--gqa", "-gqa"], "int", "N", "query heads per KV head; 8 for Llama-2 70B", "1", (p, v) => {
    p.gqa = v.number;
  }),
  option("Model", ["--rope-freq-base"], "float", "X", "base frequency of RoPE", "10000", (p, v) => {
    p.ropeFreqBase = v.number;
  }),
  option("Model", ["--rope-freq-scale"], "float", "X", "factor on the positions of RoPE", "1", (p, v) => {
    p.ropeFreqScale = v.number;
  }),
  option("Model", ["--rope-scale"], "float", "X", "the inverse of --rope-freq-scale", "1", (p, v) => {
    p.ropeFreqScale = Math.fround(1 / v.number);
  }),
  flag("Model", ["--memory-f32"], "keep keys and values as f32 instead of f16", (p) => {
    p.memoryF32 = true;
  }),

  option("Prompt", ["--prompt", "-p"], "text", "TEXT", "prompt to start with", "empty", (p, v) => {
    p.prompt = new TextEncoder().encode(v.text);
  }),
  option(
    "Prompt",
    ["--file", "-f"],
    "path",
    "FILE",
    "append a file to the prompt; - reads standard input",
    undefined,
    readPrompt,
  ),
  flag("Prompt", ["--escape", "-e"], "process \\n \\r \\t \\' \\\" \\\\ in prompt, prefix and suffix", (p) => {
    p.escape = true;
  }),
  flag("Prompt", ["--random-prompt"], "start with a random word", (p) => {
    p.randomPrompt = true;
  }),
  option(
    "Prompt",
    ["--prompt-cache"],
    "path",
    "FILE",
    "keep the evaluated prompt in a session file",
    "none",
    (p, v) => {
      p.promptCache = v.text;
    },
  ),
  flag("Prompt", ["--prompt-cache-all"], "save user input and generated text to the session file as well", (p) => {
    p.promptCacheAll = true;
  }),
  flag("Prompt", ["--prompt-cache-ro"], "use the session file but do not write it", (p) => {
    p.promptCacheReadOnly = true;
  }),
  option(
    "Prompt",
    ["--keep"],
    "int",
    "N",
    "prompt tokens that stay when the context is full; -1 for all",
    "0",
    (p, v) => {
      p.keepTokens = v.number;
    },
  ),
  flag("Prompt", ["--verbose-prompt"], "print the tokens of the prompt first", (p) => {
    p.verbosePrompt = true;
  }),

  option(
    "Generation",
    ["--n-predict", "-n", "--predict"],
    "int",
    "N",
    "tokens to generate; -1 for no limit",
    "-1",
    (p, v) => {
      p.nPredict = v.number;
    },
  ),
  option("Generation", ["--seed", "-s"], "uint", "N", "seed of the random numbers; -1 takes the time", "-1", (p, v) => {
    p.seed = v.number;
  }),
  option("Generation", ["--threads", "-t"], "int", "N", "threads", "number of cores", (p, v) => {
    if (v.number > 0) p.threads = v.number;
  }),
  option(
    "Generation",
    ["--batch-size", "-b"],
    "int",
    "N",
    "prompt tokens evaluated at a time, at most 512",
    "512",
    (p, v) => {
      p.batchTokens = Math.min(512, v.number);
    },
  ),

  option("Sampling", ["--temp"], "float", "X", "temperature; 0 takes the most likely token", "0.8", (p, v) => {
    p.temperature = v.number;
  }),
  option("Sampling", ["--top-k"], "int", "N", "keep the N most likely tokens; 0 for all", "40", (p, v) => {
    p.topK = v.number;
  }),
  option(
    "Sampling",
    ["--top-p"],
    "float",
    "X",
    "keep the likeliest tokens up to this probability; 1 for all",
    "0.95",
    (p, v) => {
      p.topP = v.number;
    },
  ),
  option("Sampling", ["--tfs"], "float", "X", "tail-free sampling; 1 is off", "1", (p, v) => {
    p.tfsZ = v.number;
  }),
  option("Sampling", ["--typical"], "float", "X", "locally typical sampling; 1 is off", "1", (p, v) => {
    p.typicalP = v.number;
  }),
  option(
    "Sampling",
    ["--repeat-last-n"],
    "int",
    "N",
    "tokens looked back for penalties; 0 is off, -1 the context",
    "64",
    (p, v) => {
      p.repeatLastN = v.number;
    },
  ),
  option("Sampling", ["--repeat-penalty"], "float", "X", "penalty on repeated tokens; 1 is off", "1.1", (p, v) => {
    p.repeatPenalty = v.number;
  }),
  option("Sampling", ["--frequency-penalty"], "float", "X", "penalty per occurrence; 0 is off", "0", (p, v) => {
    p.frequencyPenalty = v.number;
  }),
  option("Sampling", ["--presence-penalty"], "float", "X", "penalty on tokens that occurred; 0 is off", "0", (p, v) => {
    p.presencePenalty = v.number;
  }),
  option(
    "Sampling",
    ["--mirostat"],
    "int",
    "N",
    "mirostat: 0 off, 1 or 2; replaces top-k, tfs, typical, top-p",
    "0",
    (p, v) => {
      p.mirostat = v.number;
    },
  ),
  option("Sampling", ["--mirostat-lr"], "float", "X", "mirostat learning rate (eta)", "0.1", (p, v) => {
    p.mirostatEta = v.number;
  }),
  option("Sampling", ["--mirostat-ent"], "float", "X", "mirostat target entropy (tau)", "5", (p, v) => {
    p.mirostatTau = v.number;
  }),
  option(
    "Sampling",
    ["--logit-bias", "-l"],
    "text",
    "ID(+/-)BIAS",
    "change the likelihood of a token: 15043+1, 2-inf",
    undefined,
    setBias,
  ),
  flag("Sampling", ["--ignore-eos"], "never end: the bias of the end token is -inf", (p) => {
    p.logitBias.set(EOS, Number.NEGATIVE_INFINITY);
  }),
  flag("Sampling", ["--no-penalize-nl"], "do not penalise the newline token", (p) => {
    p.penalizeNewline = false;
  }),

  flag("Interaction", ["--interactive", "-i"], "let the user speak", (p) => {
    p.interactive = true;
  }),
  flag("Interaction", ["--interactive-first"], "let the user speak first", (p) => {
    p.interactiveFirst = true;
  }),
  flag("Interaction", ["--instruct", "-ins"], "instructions and responses, for Alpaca models", (p) => {
    p.instruct = true;
  }),
  flag("Interaction", ["--multiline-input"], "Return starts a new line; \\ or / ends the input", (p) => {
    p.multilineInput = true;
  }),
  option(
    "Interaction",
    ["--reverse-prompt", "-r"],
    "text",
    "TEXT",
    "hand control to the user after this text; repeatable",
    undefined,
    (p, v) => {
      p.reversePrompts.push(v.text);
    },
  ),
  option("Interaction", ["--in-prefix"], "text", "TEXT", "put before the user's input", "empty", (p, v) => {
    p.inputPrefix = v.text;
  }),
  option("Interaction", ["--in-suffix"], "text", "TEXT", "put behind the user's input", "empty", (p, v) => {
    p.inputSuffix = v.text;
  }),
  flag("Interaction", ["--color"], "colour prompt and user input", (p) => {
    p.color = true;
  }),

  flag("Other", ["--mtest"], "evaluate as much as fits the context, then stop", (p) => {
    p.memoryTest = true;
  }),
  flag("Other", ["--perplexity"], "see the perplexity tool", (p) => {
    p.otherTool = "perplexity";
  }),
  flag("Other", ["--embedding"], "see the embedding tool", (p) => {
    p.otherTool = "embedding";
  }),
  flag("Other", ["--compat"], "restore the quirks of build 803 that are mended here", (p) => {
    p.compat = true;
  }),

  ignored(["--mlock"], "flag", "memory is not locked"),
  ignored(["--no-mmap"], "flag", "model files are read, never mapped"),
  ignored(["--numa"], "flag", "every worker keeps its weights in its own memory"),
  ignored(["--export"], "flag", "there is no compute graph to export"),
  ignored(["--alias", "-a"], "text", "only a server has an alias"),
  ignored(["--n-gpu-layers", "--gpu-layers", "-ngl"], "int", "not compiled with GPU offload support"),
  ignored(["--main-gpu", "-mg"], "int", "there is no GPU to choose"),
  ignored(["--tensor-split", "-ts"], "text", "there is no GPU to split over"),
  ignored(["--low-vram", "-lv"], "flag", "there is no video memory to save"),
];

/** Appends the bytes of a file to the prompt; a final newline of the result is removed. */
async function readPrompt(params: MainParams, { text: path, option }: { text: string; option: string }): Promise<void> {
  const file = await (path === "-" ? readStdin() : readFile(path)).catch(() => undefined);
  if (file === undefined) throw invalidParameter(option, `error: failed to open file '${path}'`);
  if (file.byteLength > PROMPT_FILE_BYTES) throw invalidParameter(option, `${path} is over ${PROMPT_FILE_BYTES} bytes`);
  const joined = new Uint8Array(params.prompt.byteLength + file.byteLength);
  joined.set(params.prompt);
  joined.set(file, params.prompt.byteLength);
  params.prompt = joined.at(-1) === 0x0a ? joined.subarray(0, -1) : joined;
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** `15043+1`, `2-inf`: a token id, a sign, a number. The last value per id wins. */
function setBias(params: MainParams, { text, option }: { text: string; option: string }): void {
  const match = /^(\d+)([+-])(inf|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)$/i.exec(text);
  if (match === null) throw invalidParameter(option, `expected ID(+/-)BIAS such as 15043+1, got "${text}"`);
  const [, id, sign, size] = match as unknown as [string, string, string, string];
  const magnitude = size.toLowerCase() === "inf" ? Number.POSITIVE_INFINITY : Math.fround(Number(size));
  params.logitBias.set(Number(id), sign === "-" ? -magnitude : magnitude);
}

/** `\n \r \t \' \" \\` become the character; any other backslash stays. */
export function unescapeText(text: Uint8Array): Uint8Array {
  const out: number[] = [];
  const meanings = new Map([..."nrt'\"\\"].map((letter, i) => [letter.charCodeAt(0), "\n\r\t'\"\\".charCodeAt(i)]));
  for (let i = 0; i < text.length; i++) {
    const byte = text[i] as number;
    const meaning = byte === 0x5c ? meanings.get(text[i + 1] ?? 0) : undefined;
    out.push(meaning ?? byte);
    if (meaning !== undefined) i++;
  }
  return Uint8Array.from(out);
}
