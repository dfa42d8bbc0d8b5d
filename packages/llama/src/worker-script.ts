// Where the script of a team's workers is, and what it calls itself. It lies in the folder of this file, in the sources and in the
// build, so that the address below holds in both.

import { scriptUrl, type URL as Url } from "@ll/bytes/workers";

/** Package and version: the build puts them in. */
declare const LL_BUILD: string | undefined;

export const WORKER_NAME: string = typeof LL_BUILD === "string" ? LL_BUILD : "@ll/llama (sources)";

/** @param told the option `workerUrl` */
export function workerScriptUrl(told: string | Url | undefined): URL {
  // bundlers look for this very form, put the file beside the bundle and its address here
  return scriptUrl(told, () => inSources(new URL("./worker.js", import.meta.url)), "worker.js");
}

/** Sources run as they are, with Node's type stripping. */
function inSources(url: URL): URL {
  return import.meta.url.endsWith(".ts") ? new URL("./worker.ts", url) : url;
}
