// Where settings come from: flags win over the environment, that over a configuration file, that over defaults. Each source is
// turned into a command line, so that the option table is the only thing that knows names, kinds and limits.

import { join } from "node:path";
import { isIoError, printable } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import type { Io } from "./command.ts";
import { UsageError } from "./errors.ts";
import { type OptionSpec, parseOptions } from "./option-table.ts";
import { closest } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";
import { tableLines } from "./text-table.ts";

/** Settings from one source. */
export interface ConfigLayer {
  /** Shown to the user: `LL_MODEL`, a path, `flag`. */
  readonly origin: string;
  readonly argv: readonly string[];
}

/** By the first name of each option that was set: its values and where they come from, the weakest first. */
export type Origins = ReadonlyMap<string, readonly { readonly text: string; readonly origin: string }[]>;

/** Options that the environment and the configuration file may set for every program that runs a model and has them. */
export const SHARED_OPTIONS: readonly string[] = ["--model", "--threads", "--ctx-size"];

/** Largest configuration file. */
const MAX_CONFIG_BYTES = 64 * 1024;

/**
 * Reads layers into `params`, the weakest first. In paths `~` becomes `home`, which a shell does not see to behind `=`, in a
 * configuration file or in a variable.
 * @param err is told by options that wait for standard input
 * @throws UsageError that names the layer
 */
export async function applyLayers<P>(
  table: readonly OptionSpec<P>[],
  layers: readonly ConfigLayer[],
  params: P,
  home?: string,
  err?: Terminal,
): Promise<Origins> {
  const origins = new Map<string, { text: string; origin: string }[]>();
  for (const { origin, argv } of layers) {
    const noting = table.map(
      (spec): OptionSpec<P> => ({
        ...spec,
        set: async (target, value) => {
          const typed = spec.value === "path" ? expandHome(value.text, home) : value.text;
          await spec.set(target, { ...value, text: typed, err });
          const [name] = spec.names;
          const text = spec.value === "flag" ? value.text || "on" : typed;
          origins.set(name, [...(origins.get(name) ?? []), { text, origin }]);
        },
      }),
    );
    await parseOptions(noting, argv, params).catch((error: unknown) => {
      if (!(error instanceof UsageError) || origin === FLAG) throw error;
      throw new UsageError(`${origin}: ${error.message}`, error.hint);
    });
  }
  return origins;
}

/** Origin of what stands on the command line. */
export const FLAG = "flag";

/** `LL_CTX_SIZE` for `--ctx-size`. */
export function variableOf(name: string): string {
  return `LL_${name.slice(2).toUpperCase().replaceAll("-", "_")}`;
}

/** For each of these options a layer, if the environment sets its variable to anything. */
export function environmentLayers(env: Io["env"], names: readonly string[]): ConfigLayer[] {
  return names.flatMap((name) => {
    const variable = variableOf(name);
    const value = env[variable];
    return value === undefined || value === "" ? [] : [{ origin: variable, argv: [name, value] }];
  });
}

/** The folder that `~` stands for; undefined where there is none. */
export function homeOf({ HOME, USERPROFILE }: Io["env"]): string | undefined {
  return HOME || USERPROFILE || undefined;
}

/** `~` and `~/file` in `home`, as a shell understands them; any other path as it is. */
export function expandHome(path: string, home: string | undefined): string {
  return home !== undefined && /^~(?=$|[/\\])/.test(path) ? join(home, path.slice(1)) : path;
}

/** `$XDG_CONFIG_HOME/ll/config.json`; undefined where there is no home either. */
export function configPath(env: Io["env"]): string | undefined {
  const { XDG_CONFIG_HOME } = env;
  const home = homeOf(env);
  const folder = XDG_CONFIG_HOME || (home && join(home, ".config"));
  return folder ? join(folder, "ll", "config.json") : undefined;
}

/**
 * The configuration file, if there is one: an object with option names without their dashes, such as `{"ctx-size": 4096}`.
 * `true` switches a flag on, or one of its words, as in `{"color": "auto"}`; a list repeats an option.
 * @param only names of the options that count, if not all do: what else is in the file is for another program
 * @throws UsageError for a file that is no such object; IoError
 */
export async function configFileLayers<P>(
  env: Io["env"],
  table: readonly OptionSpec<P>[],
  only?: readonly string[],
): Promise<ConfigLayer[]> {
  const path = configPath(env);
  const text = path === undefined ? undefined : await readIfPresent(path);
  if (path === undefined || text === undefined) return [];
  const origin = printable(path, 200);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${origin}: not JSON: ${printable(String((error as Error).message), 200)}`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new UsageError(`${origin}: expected an object with names of options`);
  }
  const entries = Object.entries(content).filter(([key]) => only === undefined || only.includes(`--${key}`));
  const argv = entries.flatMap(([key, value]) => argumentsFor(origin, key, value, table));
  return [{ origin, argv }];
}

function argumentsFor<P>(origin: string, key: string, value: unknown, table: readonly OptionSpec<P>[]): string[] {
  const name = `--${key}`;
  const spec = table.find(({ names }) => names.includes(name));
  if (spec === undefined) {
    const suggestion = closest(
      name,
      table.flatMap(({ names }) => names),
    );
    const hint = suggestion === undefined ? undefined : `Did you mean "${suggestion.replace(/^--?/, "")}"?`;
    throw new UsageError(`${origin}: "${key}" is no option`, hint);
  }
  if (spec.value === "flag") {
    const { words } = spec;
    if (typeof value === "string" && words?.includes(value)) return [`${name}=${value}`];
    if (value === true) return [name];
    if (value === false && words === undefined) return [];
    const others = words ?? ["false"]; // where there are words, false may mean more than one of them
    const expected = ["true", ...others.slice(0, -1)].join(", ");
    throw new UsageError(`${origin}: "${key}" expected ${expected} or ${others.at(-1)}`);
  }
  return (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => {
    if (typeof one !== "string" && typeof one !== "number") {
      throw new UsageError(`${origin}: "${key}" expected a text or a number`);
    }
    return [name, String(one)];
  });
}

async function readIfPresent(path: string): Promise<string | undefined> {
  const source = await openFileSource(path).catch((error: unknown) => {
    const code = isIoError(error) ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  });
  if (source === undefined) return undefined;
  try {
    if (source.byteLength > MAX_CONFIG_BYTES) {
      throw new UsageError(`${printable(path, 200)}: more than ${MAX_CONFIG_BYTES} bytes`);
    }
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return new TextDecoder().decode(bytes);
  } finally {
    await source.close();
  }
}

/** `--print-config`: every option with its value and where that comes from. */
export function configText<P>(table: readonly OptionSpec<P>[], origins: Origins, columns?: number): string {
  const rows = table.map(({ names, value, shownDefault, isSecret }) => {
    const set = origins.get(names[0])?.at(-1);
    const name = names[0].replace(/^--/, "");
    return set === undefined
      ? [name, shownDefault ?? (value === "flag" ? "off" : "-"), "default"]
      : [name, isSecret ? "(not shown)" : printable(set.text, 200), set.origin];
  });
  const layout = { hasHead: true, ...(columns !== undefined && { columns }) };
  return `${tableLines([["option", "value", "origin"], ...rows], ["left", "left", "left"], layout).join("\n")}\n`;
}
