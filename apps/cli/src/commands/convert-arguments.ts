// The options of ll-convert: those of convert.py in build 803, and what every program of this package has.

import type { Container, GgmlUnstored, GgufOutType } from "@ll/convert";
import type { Io } from "../command.ts";
import { Refusal, UsageError } from "../errors.ts";
import { flagRow, jsonRow, silentRow, valueRow } from "../option-rows.ts";
import { invalidParameter, type OptionSpec, type OptionValue } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";

export interface ConvertArguments {
  /** Directory or file. */
  readonly model: string;
  /** Directory of a PEFT adapter for the model, which is then converted instead. */
  readonly lora: string | undefined;
  /** Absent: chosen from the input. */
  readonly outType: GgufOutType | undefined;
  readonly container: Container;
  /** Parameters of the model that go before what its files say. */
  readonly params: GgmlUnstored;
  readonly vocabDir: string | undefined;
  readonly outFile: string | undefined;
  readonly mode: "convert" | "vocab-only" | "dump" | "dump-single";
  /** Weights beyond f16 become infinite. */
  readonly allowNonFinite: boolean;
  readonly noClobber: boolean;
  readonly progress: boolean;
  /** Nothing on standard error unless it fails. */
  readonly quiet: boolean;
  /** Standard output gets one object when all is done. */
  readonly json: boolean;
}

/** What the options set. */
type ConvertParams = {
  -readonly [Key in keyof Omit<ConvertArguments, "model" | "params" | "container">]: ConvertArguments[Key];
} & {
  container: Container | undefined;
  params: { -readonly [Key in keyof GgmlUnstored]: GgmlUnstored[Key] };
  vocabOnly: boolean;
  dump: boolean;
  dumpSingle: boolean;
};

const CONTAINERS: ReadonlyMap<string, Container> = new Map<string, Container>([
  ["ggjt-v3", 3],
  ["ggjt-v1", 1],
  ["gguf", "gguf"],
]);

const OUT_TYPES: readonly GgufOutType[] = ["f32", "f16", "bf16", "q8_0", "auto"];

const UNSAID = "if the model's files do not say it";

export const CONVERT_OPTIONS: readonly OptionSpec<ConvertParams>[] = [
  valueRow(
    "File",
    ["--outtype"],
    "text",
    {
      placeholder: "TYPE",
      help: "type of the matrices; bf16, q8_0 and auto are for gguf",
      default: "that of the input; f32 for bf16; auto for gguf",
      choices: OUT_TYPES,
    },
    (params, value) => {
      params.outType = outType(value);
    },
  ),
  valueRow(
    "File",
    ["--outfile"],
    "path",
    { placeholder: "PATH", help: "file to write", default: "ggml-model-TYPE.bin beside the input" },
    (params, { text }) => {
      params.outFile = text;
    },
  ),
  valueRow(
    "File",
    ["--container"],
    "text",
    {
      placeholder: "VERSION",
      help: "ggjt-v3, gguf, or ggjt-v1 as convert.py wrote it",
      default: "ggjt-v3; gguf if PATH ends so",
      choices: [...CONTAINERS.keys()],
    },
    (params, { text, option }) => {
      const found = CONTAINERS.get(text);
      if (found === undefined) throw invalidParameter(option, `expected ggjt-v3, ggjt-v1 or gguf, got "${text}"`);
      params.container = found;
    },
  ),
  flagRow("File", ["--allow-nonfinite"], "let weights beyond f16 become infinite, not refused", (params) => {
    params.allowNonFinite = true;
  }),
  flagRow("File", ["--no-clobber"], "refuse to replace an existing file", (params) => {
    params.noClobber = true;
  }),
  valueRow(
    "Model",
    ["--vocab-dir"],
    "path",
    { placeholder: "DIR", help: "directory of tokenizer.model, if it is not the model's" },
    (params, { text }) => {
      params.vocabDir = text;
    },
  ),
  valueRow(
    "Model",
    ["--lora"],
    "path",
    { placeholder: "DIR", help: "convert this PEFT adapter for the model (to DIR/ggml-adapter-model.bin)" },
    (params, { text }) => {
      params.lora = text;
    },
  ),
  parameterRow("--rms-norm-eps", `epsilon of the RMS norm, ${UNSAID}`, (params, number) => {
    params.normEps = number;
  }),
  parameterRow("--rope-freq-base", "base frequency of RoPE, likewise", (params, number) => {
    params.ropeFreqBase = number;
  }),
  parameterRow("--rope-freq-scale", "factor on the positions of RoPE, likewise", (params, number) => {
    params.ropeFreqScale = number;
  }),
  valueRow(
    "Model",
    ["--context-length"],
    "int",
    { placeholder: "N", help: "tokens that the model was trained for, likewise (for gguf)" },
    ({ params }, { number, option }) => {
      if (number < 1) throw invalidParameter(option, `expected a whole number from 1, got ${number}`);
      params.contextTokens = number;
    },
  ),
  flagRow("Other work", ["--vocab-only"], "write the vocabulary only; needs --outfile", (params) => {
    params.vocabOnly = true;
  }),
  flagRow("Other work", ["--dump"], "convert nothing, show what is in the model", (params) => {
    params.dump = true;
  }),
  flagRow("Other work", ["--dump-single"], "convert nothing, show what is in this one file", (params) => {
    params.dumpSingle = true;
  }),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
  silentRow("nothing on standard error unless it fails"),
  jsonRow("one JSON object about the file, instead of its path"),
];

const PROGRAM: Program<ConvertParams> = {
  examples: ["models/7B", "models/7B --outtype f16 --outfile model-f16.bin"],
  usage: "[options] MODEL",
  description:
    "Converts a LLaMA checkpoint to a ggjt or GGUF file, or one of these to the other. MODEL is the directory with the model, or " +
    "one of its files (*.pth, *.pt, *.safetensors, *.bin, *.gguf). Standard output gets the path of the new file.",
  options: CONVERT_OPTIONS,
};

/**
 * The arguments; `undefined` if help or version was asked for, which is then printed.
 * @throws UsageError; Refusal for an output type that only ll-quantize writes
 */
export async function readConvertArguments(
  bin: string,
  argv: readonly string[],
  io: Io,
): Promise<ConvertArguments | undefined> {
  const params: ConvertParams = {
    lora: undefined,
    outType: undefined,
    container: undefined,
    params: {},
    vocabDir: undefined,
    outFile: undefined,
    mode: "convert",
    allowNonFinite: false,
    noClobber: false,
    progress: true,
    quiet: false,
    json: false,
    vocabOnly: false,
    dump: false,
    dumpSingle: false,
  };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return undefined;
  const [model, ...more] = positionals;
  if (model === undefined) throw usageError(PROGRAM, bin, "no model given: a directory, or a file in it");
  if (more.length > 0) throw usageError(PROGRAM, bin, `more than one model given: ${model} and ${more[0]}`);
  const { vocabOnly, dump, dumpSingle, ...rest } = params;
  return {
    ...rest,
    model,
    mode: mode(params),
    container: container(params),
    progress: params.progress && !params.quiet,
  };
}

function outType({ text, option }: OptionValue): GgufOutType {
  const found = OUT_TYPES.find((type) => type === text);
  if (found !== undefined) return found;
  if (text === "q4_0" || text === "q4_1") {
    throw new Refusal(
      `--outtype ${text}: convert.py's ${text} blocks are of a layout that no later program reads`,
      `convert to f16, then: ll-quantize FILE ${text}`,
    );
  }
  throw invalidParameter(option, `expected ${OUT_TYPES.join(", ")}, got "${text}"`);
}

/** A parameter of the model that is a positive number. */
function parameterRow(
  name: string,
  help: string,
  set: (params: ConvertParams["params"], value: number) => void,
): OptionSpec<ConvertParams> {
  return valueRow("Model", [name], "float", { placeholder: "X", help }, ({ params }, { text, number, option }) => {
    if (!(number > 0 && number < Number.POSITIVE_INFINITY)) {
      throw invalidParameter(option, `expected a positive number, got "${text}"`);
    }
    set(params, Number(text));
  });
}

/** Other programs know files by their names. @throws UsageError for a name that says another container than the one asked for */
function container({ container: asked, outFile, outType, lora }: ConvertParams): Container {
  const isNamedGguf = outFile !== undefined && /\.gguf$/i.test(outFile);
  if (isNamedGguf && lora !== undefined) {
    throw new UsageError(`${outFile} would be a ggla file, which is what adapters are written as`, "name it .bin");
  }
  if (isNamedGguf && asked !== undefined && asked !== "gguf") {
    throw new UsageError(`${outFile} would be a ggjt file`, "name it .bin, or take --container gguf");
  }
  const chosen = asked ?? (isNamedGguf ? "gguf" : 3);
  if (chosen !== "gguf" && outType !== undefined && outType !== "f32" && outType !== "f16") {
    throw new UsageError(`--outtype ${outType} is for GGUF files`, "take --container gguf, or --outtype f16 or f32");
  }
  return chosen;
}

function mode({ vocabOnly, dump, dumpSingle, outFile, lora }: ConvertParams): ConvertArguments["mode"] {
  if (vocabOnly && outFile === undefined) throw new UsageError("need --outfile if using --vocab-only");
  const chosen = [
    vocabOnly && ("vocab-only" as const),
    dump && ("dump" as const),
    dumpSingle && ("dump-single" as const),
  ].filter((one) => one !== false);
  if (chosen.length > 1) throw new UsageError("--vocab-only, --dump and --dump-single exclude each other");
  if (lora !== undefined && chosen.length > 0) throw new UsageError("--lora excludes --vocab-only and --dump");
  return chosen[0] ?? "convert";
}
