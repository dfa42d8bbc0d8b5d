// The command line of ll-quantize: IN [OUT] TYPE [NTHREADS], as in build 803 of llama.cpp, which took an OUT that begins with a
// number for a TYPE, and wanted NTHREADS whenever OUT was left out.

import { type FileType, FTYPES } from "@ll/quant";
import type { Io } from "../command.ts";
import { UsageError } from "../errors.ts";
import { flagRow, jsonRow, silentRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments } from "../program.ts";
import { closest } from "../suggest.ts";
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
}

export interface QuantizeArguments extends Readonly<QuantizeFlags> {
  readonly inFile: string;
  readonly outFile: string;
  /** The entry of `FTYPES` that was asked for; by number, the first with that number. */
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
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (flags) => {
    flags.progress = false;
  }),
  silentRow("only the path of the file that is written"),
  jsonRow("one JSON object about the file that is written"),
];

const PROGRAM: Program<QuantizeFlags> = {
  examples: ["model-f16.bin model-q4_0.bin q4_0", "model-f16.bin q5_K_M"],
  usage: "[options] IN [OUT] TYPE [NTHREADS]",
  description: [
    "Writes the ggjt file IN as another type. OUT: ggml-model-TYPE.bin beside IN if left out.",
    "NTHREADS: threads that quantise, as many as there are cores if left out; a small model takes one. The file is the same with any number.",
    "LL_KERNEL=scalar in the environment: no WebAssembly, as a check of it.",
  ].join("\n"),
  options: QUANTIZE_OPTIONS,
  paths: 2,
  more: typesHelp,
};

/** Names of the types, in lower case. */
export const TYPE_NAMES: readonly string[] = FTYPES.map(({ name }) => name.toLowerCase());

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
  };
  const positionals = await readArguments(PROGRAM, bin, argv, flags, io);
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
      : [defaultOutFile(inFile, shortType), shortType, others];
  const [threads, ...more] = rest;
  const isMisplaced = shortType !== undefined && threads !== undefined && leadingInteger(threads) === undefined;
  if (isMisplaced) {
    throw new UsageError(
      `main: invalid nthread '${threads}' (stoi)`,
      `the type stands behind the file to write: ${[inFile, threads, second, ...more].join(" ")}`,
    );
  }
  if (/\.gguf$/i.test(outFile)) {
    throw new UsageError(
      `main: '${outFile}' would be a ggjt file`,
      "name it .bin; ll-convert makes a GGUF file of the result, with the weights as they are",
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
  return FTYPES.find(({ id }) => id === leadingInteger(text));
}

function findNamed(text: string | undefined): FileType | undefined {
  return FTYPES.find(({ name }) => name.toLowerCase() === text?.toLowerCase());
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

/** `ggml-model-NAME.bin` beside the input. */
function defaultOutFile(inFile: string, { name }: FileType): string {
  return `${inFile.slice(0, inFile.lastIndexOf("/") + 1)}ggml-model-${name}.bin`;
}
