// Where the hub is and who asks, from the variables that its own tools read, and the folder of what makes the next run nicer: everything
// in there may be deleted.

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { OtherStores } from "./other-stores.ts";

export interface HubSettings {
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
  readonly offline: boolean;
  /** Folders of models that other programs have downloaded. */
  readonly stores: OtherStores;
}

/**
 * `HF_ENDPOINT`; `HF_TOKEN`, else the file that `hf auth login` writes (`HF_TOKEN_PATH`, `HF_HOME/token`), unless
 * `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set; `HF_HUB_OFFLINE`. The folders of other programs: `LLAMA_CACHE`, `HF_HUB_CACHE`, `HF_HOME`,
 * `OLLAMA_MODELS`, or where they are without these.
 */
export async function hubSettings(env: Readonly<Record<string, string | undefined>>): Promise<HubSettings> {
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const isTrue = (name: string): boolean => /^(?:1|on|yes|true)$/i.test(value(name) ?? "");
  let token = value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN");
  if (isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN")) token = undefined;
  else token ??= (await readFile(tokenPath(value), "utf8").catch(() => "")).trim() || undefined;
  return {
    endpoint: value("HF_ENDPOINT"),
    token,
    offline: isTrue("HF_HUB_OFFLINE") || isTrue("TRANSFORMERS_OFFLINE"),
    stores: storesOf(value),
  };
}

type Value = (name: string) => string | undefined;

function storesOf(value: Value): OtherStores {
  const home = value("HOME") ?? homedir();
  const hub = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? join(huggingFaceHome(value), "hub");
  const llamaCpp = value("LLAMA_CACHE");
  return {
    huggingFace: llamaCpp === undefined ? [hub] : [llamaCpp, hub],
    ollama: [value("OLLAMA_MODELS") ?? join(home, ".ollama", "models")],
  };
}

function huggingFaceHome(value: Value): string {
  const caches = value("XDG_CACHE_HOME") ?? join(value("HOME") ?? homedir(), ".cache");
  return value("HF_HOME") ?? join(caches, "huggingface");
}

function tokenPath(value: Value): string {
  return value("HF_TOKEN_PATH") ?? join(huggingFaceHome(value), "token");
}

/** `LL_CACHE`, else the folder that the platform has for this; undefined where there is no home. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (env["LL_CACHE"]) return env["LL_CACHE"];
  if (env["XDG_CACHE_HOME"]) return join(env["XDG_CACHE_HOME"], "ll");
  if (platform === "win32") return env["LOCALAPPDATA"] && join(env["LOCALAPPDATA"], "ll", "Cache");
  const home = env["HOME"];
  if (!home) return undefined;
  return platform === "darwin" ? join(home, "Library", "Caches", "ll") : join(home, ".cache", "ll");
}
