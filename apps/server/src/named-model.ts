// Models that are given by a name or an address: what is not there yet is downloaded, into the folder of all programs.

import { join } from "node:path";
import { basename, extname } from "node:path/posix";
import { printable } from "@ll/bytes";
import { parseModelName } from "@ll/hub";
import { cacheFolder, hubSettings, type PullEvent, pullModel } from "@ll/hub/node";
import { UsageError } from "./options.ts";

/** Milliseconds between two words on a download. */
const PROGRESS_MS = 5000;

const MIB = 1024 * 1024;

/**
 * The path of a model; that of its first file, for a set.
 * @param say is told how far a download is
 * @throws UsageError, HubError, IoError, FormatError
 */
export async function modelPath(name: string, env: NodeJS.ProcessEnv, say: (text: string) => void): Promise<string> {
  const parsed = parseModelName(name);
  if (parsed.kind === "path") return name;
  const folder = cacheFolder(env);
  if (folder === undefined) throw new UsageError("there is no folder to keep models in: set LL_CACHE to one");
  const settings = await hubSettings(env);
  const { paths } = await pullModel(parsed, {
    ...settings,
    cache: join(folder, "models"),
    onEvent: teller(printable(name, 1024), say),
  });
  return paths[0] as string;
}

function teller(name: string, say: (text: string) => void): (event: PullEvent) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (event) => {
    switch (event.kind) {
      case "progress":
        if (performance.now() - saidAt < PROGRESS_MS && event.bytes < event.total) return;
        saidAt = performance.now();
        return say(`${name}: ${Math.ceil(event.bytes / MIB)} of ${Math.ceil(event.total / MIB)} MiB downloaded`);
      case "waiting":
        return say(`${name}: another process downloads this file: waiting for it`);
      case "retry":
        return say(`${name}: ${event.reason}; trying again in ${Math.ceil(event.waitMs / 1000)} s`);
      case "warning":
        return say(`warning: ${event.text}`);
    }
  };
}

/** What a model is called unless there is an alias: the name of its file or repository. */
export function nameOf(model: string): string {
  const parsed = parseModelName(model);
  const last = basename(parsed.kind === "path" ? model.replaceAll("\\", "/") : model.replace(/[?#].*$/, ""));
  if (parsed.kind === "hub") return last.replace(/@.*$/, "");
  return last.slice(0, last.length - extname(last).length) || last;
}
