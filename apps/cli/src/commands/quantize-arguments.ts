// The positional command line of ll-quantize: [flags] IN [OUT] TYPE [NTHREADS], as in build 803 of llama.cpp, which took an
// OUT that begins with a number for a TYPE, and wanted NTHREADS whenever OUT was left out.

import { type FileType, FTYPES } from "@ll/quant";
import { COMPLETION_OPTION, type CompletedOption } from "../completion.ts";
import { UsageError } from "../errors.ts";
import { closest } from "../suggest.ts";

export interface QuantizeArguments {
  readonly inFile: string;
  readonly outFile: string;
  /** The entry of `FTYPES` that was asked for; by number, the first with that number. */
  readonly type: FileType;
  /** 0 if not given. */
  readonly nThreads: number;
  readonly allowRequantize: boolean;
  readonly leaveOutputTensor: boolean;
  readonly allowNonFinite: boolean;
  readonly noClobber: boolean;
  readonly progress: boolean;
  /** Prints the path of the file and nothing else. */
  readonly quiet: boolean;
}

/** What the flags ask for instead of work. */
export type QuantizeRequest = QuantizeArguments | "help" | "version";

/** The options, for help and completion. */
export const QUANTIZE_OPTIONS: readonly CompletedOption[] = [
  flag(["--allow-requantize"], "take tensors that are quantised already; they lose quality twice"),
  flag(["--leave-output-tensor"], "copy output.weight as it is"),
  flag(["--allow-nonfinite"], "take NaN, infinite weights and those beyond the new type, which spoil their blocks"),
  flag(["--no-clobber"], "refuse to replace an existing file"),
  flag(["--no-progress"], "no progress line on standard error"),
  flag(["--quiet", "-q"], "only the path of the file that is written"),
  flag(["--verbose", "-v"], "show where an error comes from (as LL_DEBUG=1)"),
  COMPLETION_OPTION,
  flag(["--version"], "show the version"),
  flag(["--help", "-h"], "show this help"),
];

/** Names of the types, in lower case. */
export const TYPE_NAMES: readonly string[] = FTYPES.map(({ name }) => name.toLowerCase());

const FLAGS = QUANTIZE_OPTIONS.filter(({ value }) => value === "flag").flatMap(({ names }) => names);

function flag(names: CompletedOption["names"], help: string): CompletedOption {
  return { names, value: "flag", help };
}

/** @throws UsageError, in the words of build 803 where it had some */
export function parseQuantizeArguments(argv: readonly string[]): QuantizeRequest {
  const flags = new Set<string>();
  let next = 0;
  for (; argv[next]?.startsWith("--") || FLAGS.includes(argv[next] ?? ""); next++) {
    const flag = argv[next] as string;
    if (flag === "--") {
      next++;
      break;
    }
    if (!FLAGS.includes(flag)) throw unknownFlag(flag);
    flags.add(flag);
  }
  if (flags.has("--help") || flags.has("-h")) return "help";
  if (flags.has("--version")) return "version";
  return {
    ...readPositionals(argv.slice(next)),
    allowRequantize: flags.has("--allow-requantize"),
    allowNonFinite: flags.has("--allow-nonfinite"),
    leaveOutputTensor: flags.has("--leave-output-tensor"),
    noClobber: flags.has("--no-clobber"),
    progress: !flags.has("--no-progress"),
    quiet: flags.has("--quiet") || flags.has("-q"),
  };
}

function unknownFlag(flag: string): UsageError {
  const suggestion = closest(flag, FLAGS);
  const hint = suggestion === undefined ? "" : ` (Did you mean ${suggestion}?)`;
  return new UsageError(`unknown option '${flag}'${hint}`);
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
    throw new UsageError(
      `main: invalid nthread '${text}' (stoi)`,
      FLAGS.includes(text) ? "options stand before the model file" : undefined,
    );
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
