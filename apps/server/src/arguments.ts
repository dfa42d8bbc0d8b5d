// The command line of ll-serve: what is given, and what goes with what.

import { isLoopback } from "./guard.ts";
import { defaultParams, OPTIONS, type Option, type ServeParams, UsageError } from "./options.ts";

/**
 * @returns "help" or "version" if it was asked for
 * @throws UsageError
 */
export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeParams | "help" | "version" {
  const params = defaultParams();
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
  if (params.loraBase !== undefined && params.lora === undefined) throw new UsageError("--lora-base goes with --lora");
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
