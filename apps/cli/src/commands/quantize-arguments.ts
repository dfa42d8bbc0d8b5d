// The command line of ll-quantize: IN [OUT] TYPE [NTHREADS], as in build 803 of llama.cpp, which took an OUT that begins with a
// number for a TYPE, and wanted NTHREADS whenever OUT was left out. The options for GGUF files are those of llama.cpp in August 2026.

import { FILE_TYPES } from "@ll/architectures";
import { printable } from "@ll/bytes";
import type { WritableValue } from "@ll/gguf";
import { BLOCK_TYPES, canPackGguf, type FileType, FTYPES, ggufFileTypes, type TensorTypeRule } from "@ll/quant";
import type { Io } from "../command.ts";
import { UsageError } from "../errors.ts";
import { flagRow, jsonRow, silentRow, valueRow } from "../option-rows.ts";
import { invalidParameter, type OptionSpec } from "../option-table.ts";
import { type Program, readArguments } from "../program.ts";
import { closest } from "../suggest.ts";
import { withFile } from "../text-input.ts";
import { typesHelp } from "./quantize-help.ts";

/** What the options set. */
interface QuantizeFlags {
  allowRequantize: boolean;
  leaveOutputTensor: boolean;
  allowNonFinite: boolean;
  noClobber: boolean;
  progress: boolean;
  /** Nothing on standard error unless it fails, and on standard output the path of the file. */
  quiet: boolean;
  /** Standard output gets one object when all is done. */
  json: boolean;
  /** Names of the options for GGUF files that were given. */
  ggufOptions: string[];
  pure: boolean;
  keepSplit: boolean;
  isDryRun: boolean;
  outputTensorType: string | undefined;
  tokenEmbeddingType: string | undefined;
  tensorTypes: TensorTypeRule[];
  overrides: Map<string, WritableValue>;
  pruneLayers: number[];
  /** Path of a file of importance. */
  imatrix: string | undefined;
  includedWeights: string[];
  excludedWeights: string[];
}

/** The type of a file that is copied. */
export const COPY: FileType = { id: -1, name: "COPY", description: "all tensors as they are", baseType: "f32" };

/** Types of GGUF files alone. */
export const GGUF_TYPES: readonly FileType[] = [
  ...ggufFileTypes()
    .filter(({ id }) => !FTYPES.some((type) => type.id === id))
    .map(({ id, name, label, tensorType }) => ({
      ...{ id, name, description: label },
      baseType: tensorType as FileType["baseType"],
    })),
  COPY,
];

const TYPES: readonly FileType[] = [...FTYPES, ...GGUF_TYPES];

export interface QuantizeArguments extends Readonly<QuantizeFlags> {
  readonly inFile: string;
  /** Undefined if left out: see `defaultOutFile`. */
  readonly outFile: string | undefined;
  /** The entry of `FTYPES` or `GGUF_TYPES` that was asked for; by number, the first with that number. */
  readonly type: FileType;
  /** 0 if not given. */
  readonly nThreads: number;
}

export const QUANTIZE_OPTIONS: readonly OptionSpec<QuantizeFlags>[] = [
  flagRow(
    "File",
    ["--allow-requantize"],
    "take tensors that are quantised already; they lose quality twice",
    (flags) => {
      flags.allowRequantize = true;
    },
  ),
  flagRow("File", ["--leave-output-tensor"], "copy output.weight as it is", (flags) => {
    flags.leaveOutputTensor = true;
  }),
  flagRow(
    "File",
    ["--allow-nonfinite"],
    "take NaN, infinite weights and those beyond the new type, which spoil their blocks",
    (flags) => {
      flags.allowNonFinite = true;
    },
  ),
  flagRow("File", ["--no-clobber"], "refuse to replace an existing file", (flags) => {
    flags.noClobber = true;
  }),
  flagRow("GGUF", ["--pure"], "TYPE for all matrices that can have it", (flags) => {
    flags.ggufOptions.push("--pure");
    flags.pure = true;
  }),
  ggufRow("--output-tensor-type", "text", "T", "the type of output.weight", (flags, { text, option }) => {
    flags.outputTensorType = tensorType(text, option);
  }),
  ggufRow("--token-embedding-type", "text", "T", "the type of the token embeddings", (flags, { text, option }) => {
    flags.tokenEmbeddingType = tensorType(text, option);
  }),
  ggufRow(
    "--tensor-type",
    "text",
    "PATTERN=T",
    "the type of tensors in whose name the regular expression is found; of several the first counts",
    (flags, { text, option }) => {
      flags.tensorTypes.push(typeRule(text, option));
    },
  ),
  ggufRow(
    "--tensor-type-file",
    "path",
    "FILE",
    "the same from a file, separated by white space",
    async (flags, given) => {
      const { option } = given;
      const text = new TextDecoder().decode(await withFile(new Uint8Array(), given));
      const words = text.split(/\s+/).filter((word) => word !== "");
      flags.tensorTypes.push(...words.map((word) => typeRule(word, option)));
    },
  ),
  ggufRow("--imatrix", "path", "FILE", "importance of the weights, as ll-imatrix measures it", (flags, { text }) => {
    flags.imatrix = text;
  }),
  ggufRow(
    "--include-weights",
    "text",
    "PART",
    "only importance of tensors with this in their name",
    (flags, { text }) => {
      flags.includedWeights.push(text);
    },
  ),
  ggufRow(
    "--exclude-weights",
    "text",
    "PART",
    "no importance of tensors with this in their name",
    (flags, { text }) => {
      flags.excludedWeights.push(text);
    },
  ),
  ggufRow(
    "--override-kv",
    "text",
    "KEY=TYPE:VALUE",
    "metadata of the new file; TYPE is int, float, bool or str",
    (flags, { text, option }) => {
      const [key, value] = override(text, option);
      flags.overrides.delete(key);
      flags.overrides.set(key, value);
    },
  ),
  ggufRow("--prune-layers", "text", "N,N,…", "leave these layers out; those behind them move up", (flags, given) => {
    const parts = given.text.split(",");
    if (!parts.every((part) => /^\d{1,9}$/.test(part))) throw refused(given.option, "numbers of layers", given.text);
    flags.pruneLayers.push(...parts.map(Number));
  }),
  flagRow("GGUF", ["--keep-split"], "a file for each file of a set: OUT-00001-of-00003.gguf, …", (flags) => {
    flags.ggufOptions.push("--keep-split");
    flags.keepSplit = true;
  }),
  flagRow("GGUF", ["--dry-run"], "say what every tensor would become, and write nothing", (flags) => {
    flags.ggufOptions.push("--dry-run");
    flags.isDryRun = true;
  }),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (flags) => {
    flags.progress = false;
  }),
  silentRow("only the path of the file that is written"),
  jsonRow("one JSON object about the file that is written"),
];

/** An option with a value for GGUF files alone. */
function ggufRow(
  name: `--${string}`,
  value: "text" | "path",
  placeholder: string,
  help: string,
  set: OptionSpec<QuantizeFlags>["set"],
): OptionSpec<QuantizeFlags> {
  return valueRow("GGUF", [name], value, { placeholder, help }, (flags, given) => {
    flags.ggufOptions.push(name);
    return set(flags, given);
  });
}

function refused(option: string, expected: string, got: string): UsageError {
  return invalidParameter(option, `expected ${expected}, got ${printable(got, 256)}`);
}

/** Name of a tensor type in the spelling of @ll/quant. */
function tensorType(text: string, option: string): string {
  const names = BLOCK_TYPES.filter((type) => canPackGguf(type));
  const found = names.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw refused(option, `one of ${names.join(" ")}`, text);
  return found;
}

/** `attn_(q|k)=q8_0`; patterns are in lower case, as llama.cpp makes them. */
function typeRule(text: string, option: string): TensorTypeRule {
  const [, pattern, type] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (pattern === undefined || type === undefined) throw refused(option, "PATTERN=TYPE", text);
  try {
    return { pattern: new RegExp(pattern.toLowerCase()), type: tensorType(type, option) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refused(option, "a regular expression before the =", pattern);
  }
}

/** `general.name=str:My model`. */
function override(text: string, option: string): [key: string, value: WritableValue] {
  const [, key, kind, value] = /^([^=]+)=(int|float|bool|str):(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw refused(option, "KEY=int|float|bool|str:VALUE", text);
  switch (kind) {
    case "int": {
      const number = Math.abs(Number(value)); // llama.cpp, too, has no negative ones
      if (!/^[+-]?\d+$/.test(value) || number >= 2 ** 32) throw refused(option, "a whole number below 2^32", value);
      return [key, { type: "u32", value: number }];
    }
    case "float": {
      const number = Math.fround(Number(value));
      if (value.trim() === "" || !Number.isFinite(number)) throw refused(option, "a number that binary32 holds", value);
      return [key, { type: "f32", value: number }];
    }
    case "bool":
      if (value !== "true" && value !== "false") throw refused(option, "true or false", value);
      return [key, { type: "bool", value: value === "true" }];
    default:
      return [key, { type: "string", value }];
  }
}

const PROGRAM: Program<QuantizeFlags> = {
  examples: ["model-f16.gguf model-q4_k_m.gguf q4_k_m", "model-f16.bin model-q4_0.bin q4_0"],
  usage: "[options] IN [OUT] TYPE [NTHREADS]",
  description: [
    "Writes the model file IN, ggjt or GGUF, as another type. IN may be a name such as hf:OWNER/REPO, which is downloaded.",
    "OUT: ggml-model-TYPE.bin or .gguf if left out, beside IN, or here if IN is a name.",
    "NTHREADS: threads that quantise, as many as there are cores if left out; a small model takes one. The file is the same with any number.",
    "LL_KERNEL=scalar in the environment: no WebAssembly, as a check of it.",
  ].join("\n"),
  options: QUANTIZE_OPTIONS,
  paths: 2,
  more: (columns) => typesHelp(columns, GGUF_TYPES),
};

/** Names of the types, in lower case. */
export const TYPE_NAMES: readonly string[] = TYPES.map(({ name }) => name.toLowerCase());

/**
 * The arguments; `undefined` if help or version was asked for, which is then printed.
 * @throws UsageError, in the words of build 803 where it had some
 */
export async function readQuantizeArguments(
  bin: string,
  argv: readonly string[],
  io: Io,
): Promise<QuantizeArguments | undefined> {
  const flags: QuantizeFlags = {
    allowRequantize: false,
    leaveOutputTensor: false,
    allowNonFinite: false,
    noClobber: false,
    progress: true,
    quiet: false,
    json: false,
    ggufOptions: [],
    pure: false,
    keepSplit: false,
    isDryRun: false,
    outputTensorType: undefined,
    tokenEmbeddingType: undefined,
    tensorTypes: [],
    overrides: new Map(),
    pruneLayers: [],
    imatrix: undefined,
    includedWeights: [],
    excludedWeights: [],
  };
  const positionals = await readArguments(PROGRAM, bin, argv, flags, io);
  if (flags.includedWeights.length > 0 && flags.excludedWeights.length > 0) {
    throw new UsageError("error: --include-weights and --exclude-weights exclude each other");
  }
  return positionals && { ...flags, ...readPositionals(positionals) };
}

type Positionals = Pick<QuantizeArguments, "inFile" | "outFile" | "type" | "nThreads">;

function readPositionals(positionals: readonly string[]): Positionals {
  const [inFile, second, ...others] = positionals;
  if (inFile === undefined || second === undefined) throw new UsageError("expected a model file and a type");
  const shortType = findType(second, isWholeNumber);
  if (shortType === undefined && TYPE_NAMES.includes(inFile.toLowerCase()) && findNamed(others[0]) === undefined) {
    throw new UsageError(
      `main: '${inFile}' is a type, not a model file`,
      `the type stands last: ${[second, ...others, inFile].join(" ")}`,
    );
  }
  const [outFile, type, rest] =
    shortType === undefined
      ? [second, requireType(others[0], second), others.slice(1)]
      : [undefined, shortType, others];
  const [threads, ...more] = rest;
  const isMisplaced = shortType !== undefined && threads !== undefined && leadingInteger(threads) === undefined;
  if (isMisplaced) {
    throw new UsageError(
      `main: invalid nthread '${threads}' (stoi)`,
      `the type stands behind the file to write: ${[inFile, threads, second, ...more].join(" ")}`,
    );
  }
  if (more.length > 0) throw new UsageError(`unexpected argument '${more[0]}'`);
  return { inFile, outFile, type, nThreads: threads === undefined ? 0 : requireThreads(threads) };
}

/** @param before what stands there instead if `text` is missing: perhaps a mistyped type, taken for OUT */
function requireType(text: string | undefined, before: string): FileType {
  if (text === undefined) throw noType("main: missing ftype", before);
  const type = findType(text, (digits) => leadingInteger(digits) !== undefined);
  if (type === undefined) throw noType(`main: invalid ftype '${text}'`, text);
  return type;
}

function noType(message: string, word: string): UsageError {
  const known = FILE_TYPES.find(({ id, name }) => name.toLowerCase() === word.toLowerCase() || String(id) === word);
  if (known !== undefined) {
    const hint = `${known.name} files run, but ll-quantize does not make them: take q2_k, q3_k_s or iq4_xs, best with --imatrix`;
    return new UsageError(message, hint);
  }
  const suggestion = closest(word.toLowerCase(), TYPE_NAMES);
  const hint =
    suggestion === undefined
      ? `expected one of ${TYPE_NAMES.join(" ")} (ll-quantize --help says more)`
      : `Did you mean ${suggestion}?`;
  return new UsageError(message, hint);
}

/** The type that `text` names, or, if `isNumber` takes it for a number, whose id it begins with. */
function findType(text: string, isNumber: (text: string) => boolean): FileType | undefined {
  const named = findNamed(text);
  if (named !== undefined || !isNumber(text)) return named;
  return TYPES.find((type) => type !== COPY && type.id === leadingInteger(text));
}

function findNamed(text: string | undefined): FileType | undefined {
  return TYPES.find(({ name }) => name.toLowerCase() === text?.toLowerCase());
}

function isWholeNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function requireThreads(text: string): number {
  const nThreads = leadingInteger(text);
  if (nThreads === undefined) {
    throw new UsageError(`main: invalid nthread '${text}' (stoi)`, "expected a number of threads behind the type");
  }
  return nThreads;
}

/** The number at the beginning of `text`, as C++'s `stoi` reads it: `8x` is 8. */
function leadingInteger(text: string): number | undefined {
  const digits = /^\s*[+-]?\d+/.exec(text)?.[0];
  const value = Number(digits);
  return digits === undefined || value > 2 ** 31 - 1 || value < -(2 ** 31) ? undefined : value;
}

/** `ggml-model-NAME.bin`, or another `ending`, beside the input; of "" in the working directory. */
export function defaultOutFile(inFile: string, { name }: FileType, ending: string): string {
  return `${inFile.slice(0, inFile.lastIndexOf("/") + 1)}ggml-model-${name}${ending}`;
}

/** @throws UsageError for what is for GGUF files alone, or the name of one */
export function assertForGgjt({ type, outFile, ggufOptions }: QuantizeArguments): void {
  const [option] = ggufOptions;
  if (option !== undefined) throw new UsageError(`main: ${option} is for GGUF files, and this is none`);
  if (GGUF_TYPES.includes(type)) {
    const hint = "ll-convert makes a GGUF file of it, with the weights as they are";
    throw new UsageError(`main: ${type.name} is a type of GGUF files, and this is none`, hint);
  }
  if (outFile === undefined || !/\.gguf$/i.test(outFile)) return;
  throw new UsageError(
    `main: '${outFile}' would be a ggjt file`,
    "name it .bin; ll-convert makes a GGUF file of the result, with the weights as they are",
  );
}
