// The command line of the programs that run a model: what they share before any model is loaded.

import type { Io } from "../command.ts";
import { UsageError } from "../errors.ts";
import { kernelName } from "../kernel-tier.ts";
import { type Program, readCommandLine, splitArguments, usageError } from "../program.ts";
import { MAIN_OPTIONS } from "./options/index.ts";
import { defaultParams, type RunParams } from "./params.ts";

/** Ends a turn in instruct mode. */
const INSTRUCT_REVERSE_PROMPT = "### Instruction:\n\n";

/**
 * The parameters that `argv` sets; `undefined` if it asked for help, version or configuration, which is then printed.
 * @throws UsageError
 */
export async function readParams(
  program: Omit<Program<RunParams>, "options">,
  bin: string,
  argv: readonly string[],
  io: Io,
): Promise<RunParams | undefined> {
  const params = defaultParams();
  // options before it heed it as well: `-p - --compat`
  params.compat = splitArguments(MAIN_OPTIONS, argv).names.includes("--compat");
  // build 803 took options only
  const whole = { ...program, options: MAIN_OPTIONS, ...(params.compat && { arguments: [] }) };
  const commandLine = await readCommandLine(whole, bin, argv, params, io);
  if (commandLine === undefined) return undefined;
  const [unknown] = commandLine.extra;
  if (unknown !== undefined) throw usageError(whole, bin, `error: unknown argument: ${unknown}`);
  params.kernels = kernelName(io.env);
  settle(params);
  return params;
}

/** What some options mean for others, and the escapes, which wait until all are read. */
function settle(params: RunParams): void {
  const isInteractive = params.interactive || params.interactiveFirst || params.instruct;
  if (params.promptCacheAll && isInteractive) {
    throw new UsageError("error: --prompt-cache-all not supported in interactive mode yet");
  }
  if (params.instruct) {
    params.interactiveFirst = true;
    params.reversePrompts.push(INSTRUCT_REVERSE_PROMPT);
  }
  if (params.interactiveFirst) params.interactive = true;
  if (!params.escape) return;
  params.prompt = unescapeBytes(params.prompt);
  if (params.compat) return; // build 803 forgot prefix and suffix
  params.inputPrefix = unescapeText(params.inputPrefix);
  params.inputSuffix = unescapeText(params.inputSuffix);
}

function unescapeText(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(unescapeBytes(new TextEncoder().encode(text)));
}

/** `\n \r \t \' \" \\` become the character; any other backslash stays. */
function unescapeBytes(text: Uint8Array): Uint8Array {
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
