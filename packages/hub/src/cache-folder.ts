// Where programs keep what makes the next run nicer, and nothing else: everything in there may be deleted.

import { join } from "node:path";

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
