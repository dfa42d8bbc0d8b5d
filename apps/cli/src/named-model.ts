// Models by name, wherever a program takes a file: what is not there yet is downloaded into the cache folder.

import { join } from "node:path";
import { type ByteSource, FormatError, httpSource, IoError, printable } from "@ll/bytes";
import { chooseFiles, type HubError, isHubError, openHub, parseModelName } from "@ll/hub";
import { cacheFolder, hubSettings, type PullEvent, type PulledModel, pullModel } from "@ll/hub/node";
import type { Io } from "./command.ts";
import { CommandError, Refusal } from "./errors.ts";
import { createProgress, type Progress } from "./progress.ts";
import { shownModel } from "./terminal.ts";
import { sizeText } from "./units.ts";

export interface PullParams {
  /** Asks nobody; undefined: as the environment says. */
  readonly offline?: boolean;
  readonly quiet: boolean;
  readonly progress?: boolean;
}

/** Folder of the models. @throws Refusal where there is none */
export function modelsFolder(env: Io["env"]): string {
  const cache = cacheFolder(env);
  if (cache === undefined) throw new Refusal("there is no folder to keep models in: set LL_CACHE to one");
  return join(cache, "models");
}

/** The path of a model that is named on the command line: itself, or that of the file in the cache folder. */
export async function pathOfModel(name: string, io: Io, params: PullParams = { quiet: false }): Promise<string> {
  const parsed = parseModelName(name);
  if (parsed.kind === "path") return name;
  const { paths } = await pullNamed(name, io, params);
  return paths[0] as string;
}

/**
 * The files of a model on its server, of which only what is asked for is fetched. Undefined if nobody may be asked: then it is one of those
 * that were downloaded, or none.
 */
export async function remoteModel(name: string, io: Io): Promise<ByteSource[] | undefined> {
  const parsed = parseModelName(name);
  const { endpoint, token, offline } = await hubSettings(io.env);
  if (offline) return undefined;
  if (parsed.kind !== "hub") return [await httpSource(name)];
  const events = eventLines(name, io, { quiet: false });
  try {
    const hub = openHub({ endpoint, token, onEvent: events.onEvent });
    const listing = await hub.list(parsed.repo, parsed.revision);
    const files = chooseFiles(listing.files, parsed);
    events.onEvent({ kind: "chosen", repo: listing.repo, commit: listing.commit, files });
    const sources: ByteSource[] = [];
    for (const file of files) sources.push(await hub.open(listing, file));
    return sources;
  } catch (error) {
    throw isHubError(error) ? errorOf(error) : error;
  }
}

/** @throws CommandError for what the hub says no to; IoError */
export async function pullNamed(name: string, io: Io, params: PullParams): Promise<PulledModel> {
  const cache = modelsFolder(io.env);
  const { endpoint, token, offline, stores } = await hubSettings(io.env);
  const events = eventLines(name, io, params);
  try {
    const parsed = parseModelName(name);
    if (parsed.kind === "path") throw new Refusal(`${shownModel(name)} is a path, and no name of a model`);
    return await pullModel(parsed, {
      cache,
      endpoint,
      token,
      offline: params.offline ?? offline,
      stores,
      onEvent: events.onEvent,
    });
  } catch (error) {
    if (!isHubError(error)) throw error;
    throw errorOf(error);
  } finally {
    events.finish();
  }
}

/** The same with the exit code that it deserves: of the surroundings, of a bad file, of a request that cannot be met. */
function errorOf({ code, message }: HubError): Error {
  if (code === "E_BUSY" || code === "E_OFFLINE") return new IoError({ code: "E_IO", message });
  return code === "E_HASH" ? new FormatError({ code, message }) : new CommandError(code, message);
}

function eventLines(
  name: string,
  io: Io,
  { quiet, progress: isShown = true }: PullParams,
): { onEvent(event: PullEvent): void; finish(): void } {
  let progress: Progress | undefined;
  let firstBytes: number | undefined;
  const { now = () => performance.now() } = io;
  let startMs = now();
  const say = (line: string): void => {
    if (quiet) return;
    if (progress === undefined) io.err.write(`${line}\n`);
    else progress.line(line);
  };
  return {
    onEvent(event) {
      switch (event.kind) {
        case "chosen": {
          const bytes = event.files.reduce((sum, file) => sum + file.bytes, 0);
          const files = event.files.length === 1 ? "" : ` and ${event.files.length - 1} more`;
          const path = printable(event.files[0]?.path ?? "", 1024);
          return say(`${shownModel(name)}: ${path}${files}, ${sizeText(bytes)}, commit ${event.commit.slice(0, 12)}`);
        }
        case "progress": {
          progress ??= createProgress(io, { total: event.total, enabled: isShown && !quiet });
          if (firstBytes === undefined) [firstBytes, startMs] = [event.bytes, now()];
          const rate = (1000 * (event.bytes - firstBytes)) / Math.max(1, now() - startMs);
          const share = `${sizeText(event.bytes)} of ${sizeText(event.total)}`;
          return progress.update(event.bytes, `downloading: ${share}, ${sizeText(Math.round(rate))}/s`);
        }
        case "checking":
          return say(`checking ${printable(event.path, 1024)}, ${sizeText(event.bytes)}, which another program has`);
        case "waiting":
          return say("another process downloads this file: waiting for it");
        case "retry":
          return say(`${printable(event.reason, 512)}; trying again in ${Math.ceil(event.waitMs / 1000)} s`);
        case "warning":
          return say(`warning: ${printable(event.text, 512)}`);
      }
    },
    finish: () => progress?.finish(),
  };
}
