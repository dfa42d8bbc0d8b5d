// Where the hub is and who asks, from the variables that its own tools read.

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface HubSettings {
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
  readonly offline: boolean;
}

/**
 * `HF_ENDPOINT`; `HF_TOKEN`, else the file that `hf auth login` writes (`HF_TOKEN_PATH`, `HF_HOME/token`), unless
 * `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set; `HF_HUB_OFFLINE`.
 */
export async function hubSettings(env: Readonly<Record<string, string | undefined>>): Promise<HubSettings> {
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const isTrue = (name: string): boolean => /^(?:1|on|yes|true)$/i.test(value(name) ?? "");
  let token = value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN");
  if (isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN")) token = undefined;
  else token ??= (await readFile(tokenPath(value), "utf8").catch(() => "")).trim() || undefined;
  return { endpoint: value("HF_ENDPOINT"), token, offline: isTrue("HF_HUB_OFFLINE") || isTrue("TRANSFORMERS_OFFLINE") };
}

function tokenPath(value: (name: string) => string | undefined): string {
  const caches = value("XDG_CACHE_HOME") ?? join(value("HOME") ?? homedir(), ".cache");
  return value("HF_TOKEN_PATH") ?? join(value("HF_HOME") ?? join(caches, "huggingface"), "token");
}
