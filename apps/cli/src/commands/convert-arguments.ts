// The options of ll-convert: those of convert.py in build 803, and what every program of this package has.

import type { Container, GgmlUnstored } from "@ll/convert";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { COMPLETION_OPTION, type CompletedOption } from "../completion.ts";
import { Refusal, UsageError } from "../errors.ts";
import { versionLine } from "../version.ts";

export interface ConvertArguments {
  /** Directory or file. */
  readonly model: string;
  /** Directory of a PEFT adapter for the model, which is then converted instead. */
  readonly lora: string | undefined;
  /** Absent: chosen from the input. */
  readonly outType: "f32" | "f16" | undefined;
  readonly container: Container;
  /** Parameters of the model that go before what its files say. */
  readonly params: GgmlUnstored;
  readonly vocabDir: string | undefined;
  readonly outFile: string | undefined;
  readonly mode: "convert" | "vocab-only" | "dump" | "dump-single";
  readonly noClobber: boolean;
  readonly progress: boolean;
  /** Nothing on standard error unless it fails. */
  readonly quiet: boolean;
}

/** As commander hands them over. */
interface Options {
  readonly lora?: string;
  readonly outtype?: string;
  readonly container: string;
  readonly vocabDir?: string;
  readonly outfile?: string;
  readonly rmsNormEps?: number;
  readonly ropeFreqBase?: number;
  readonly ropeFreqScale?: number;
  readonly contextLength?: number;
  readonly vocabOnly?: true;
  readonly dump?: true;
  readonly dumpSingle?: true;
  readonly quiet?: true;
  /** False for `--no-clobber`. */
  readonly clobber: boolean;
  /** False for `--no-progress`. */
  readonly progress: boolean;
}

const CONTAINERS: ReadonlyMap<string, Container> = new Map<string, Container>([
  ["ggjt-v3", 3],
  ["ggjt-v1", 1],
  ["gguf", "gguf"],
]);

const EXAMPLES = `Examples:
  ll-convert models/7B
  ll-convert models/7B --outtype f16 --outfile model-f16.bin
  ll-convert model.gguf

`;

/**
 * Returns the arguments, or the text that --help or --version prints.
 * @throws UsageError; Refusal for an output type that only ll-quantize writes
 */
export function parseConvertArguments(bin: string, argv: readonly string[]): ConvertArguments | { text: string } {
  const command = commandLine(bin);
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { text: EXAMPLES + command.helpInformation() };
    if (error.code === "commander.version") return { text: versionLine(bin) };
    const [message = "", ...more] = error.message.replace(/^error: /, "").split("\n");
    throw new UsageError([message, ...more].join(" "), `usage: ${bin} [options] MODEL (see ${bin} --help)`);
  }
  const options = command.opts<Options>();
  return {
    model: String(command.args[0]),
    lora: options.lora,
    outType: outType(options.outtype),
    container: container(options.container),
    params: modelParams(options),
    vocabDir: options.vocabDir,
    outFile: options.outfile,
    mode: mode(options),
    noClobber: !options.clobber,
    progress: options.progress && !options.quiet,
    quiet: options.quiet ?? false,
  };
}

/** A path that looks like an option is a value that was forgotten. */
function path(value: string): string {
  if (value.startsWith("--")) throw new InvalidArgumentError("A path that begins with -- is written ./--");
  return value;
}

function misplaced(): never {
  throw new InvalidArgumentError("It was expected to be the first of all arguments.");
}

function outType(text: string | undefined): "f32" | "f16" | undefined {
  if (text === undefined || text === "f32" || text === "f16") return text;
  if (text === "q4_0" || text === "q4_1") {
    throw new Refusal(
      `--outtype ${text}: convert.py's ${text} blocks are of a layout that no later program reads`,
      `convert to f16, then: ll-quantize FILE ${text}`,
    );
  }
  throw new UsageError(`--outtype expected f32 or f16, got ${text}`);
}

function container(text: string): Container {
  const found = CONTAINERS.get(text);
  if (found === undefined) throw new UsageError(`--container expected ggjt-v3, ggjt-v1 or gguf, got ${text}`);
  return found;
}

function modelParams({ rmsNormEps, ropeFreqBase, ropeFreqScale, contextLength }: Options): GgmlUnstored {
  return {
    ...(rmsNormEps !== undefined && { normEps: rmsNormEps }),
    ...(ropeFreqBase !== undefined && { ropeFreqBase }),
    ...(ropeFreqScale !== undefined && { ropeFreqScale }),
    ...(contextLength !== undefined && { contextTokens: contextLength }),
  };
}

function positive(value: string): number {
  const number = Number(value);
  if (!(Math.fround(number) > 0 && Math.fround(number) < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError("A positive number was expected.");
  }
  return number;
}

function count(value: string): number {
  const number = Number(value);
  if (!(Number.isInteger(number) && number >= 1 && number < 2 ** 31)) {
    throw new InvalidArgumentError("A whole number from 1 was expected.");
  }
  return number;
}

function mode(options: Options): ConvertArguments["mode"] {
  if (options.vocabOnly && options.outfile === undefined) throw new UsageError("need --outfile if using --vocab-only");
  const chosen = [
    options.vocabOnly && ("vocab-only" as const),
    options.dump && ("dump" as const),
    options.dumpSingle && ("dump-single" as const),
  ].filter((one) => one !== undefined);
  if (chosen.length > 1) throw new UsageError("--vocab-only, --dump and --dump-single exclude each other");
  if (options.lora !== undefined && chosen.length > 0) throw new UsageError("--lora excludes --vocab-only and --dump");
  return chosen[0] ?? "convert";
}

/** All options, for completion. */
export function convertOptions(): CompletedOption[] {
  return commandLine("ll-convert")
    .createHelp()
    .visibleOptions(commandLine("ll-convert"))
    .map(({ short, long = "", required, description }) => ({
      names: short === undefined ? [long] : [long, short],
      value: !required ? "flag" : PATH_OPTIONS.includes(long) ? "path" : "text",
      help: description,
    }));
}

const PATH_OPTIONS = ["--outfile", "--vocab-dir", "--lora"];

function commandLine(bin: string): Command {
  return new Command(bin)
    .description("Convert a LLaMA checkpoint to a ggjt or GGUF file, or one of these to the other.")
    .argument("<model>", "directory with the model, or one of its files (*.pth, *.pt, *.safetensors, *.bin, *.gguf)")
    .option("--outtype <type>", "output format, f32 or f16 (default: that of the input; f32 for bf16)")
    .option("--outfile <path>", "file to write (default: ggml-model-TYPE.bin beside the input)", path)
    .option("--container <version>", "ggjt-v3, gguf, or ggjt-v1 as convert.py wrote it", "ggjt-v3")
    .option("--vocab-dir <dir>", "directory of tokenizer.model, if it is not the model's", path)
    .option("--lora <dir>", "convert this PEFT adapter for the model (to DIR/ggml-adapter-model.bin)", path)
    .option("--rms-norm-eps <eps>", "epsilon of the RMS norm, if the model's files do not say it", positive)
    .option("--rope-freq-base <base>", "base frequency of RoPE, likewise", positive)
    .option("--rope-freq-scale <scale>", "factor on the positions of RoPE, likewise", positive)
    .option("--context-length <tokens>", "context that the model was trained for, likewise (for gguf)", count)
    .option("--vocab-only", "write the vocabulary only; needs --outfile")
    .option("--dump", "convert nothing, show what is in the model")
    .option("--dump-single", "convert nothing, show what is in this one file")
    .option("--no-clobber", "refuse to replace an existing file")
    .option("--no-progress", "no progress line on standard error")
    .option("-q, --quiet", "say nothing on standard error unless it fails")
    .option("-v, --verbose", "show where an error comes from (as LL_DEBUG=1)")
    .option("--completion <shell>", COMPLETION_OPTION.help, misplaced)
    .version(versionLine(bin), "--version", "show the version")
    .helpOption("-h, --help", "show this help")
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
}
