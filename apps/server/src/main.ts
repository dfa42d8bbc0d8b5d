// ll-serve: argv, the listener, signals, exit codes. The one file that prints and exits.

import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { isFormatError, isIoError, printable } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import type { ChatModel, Template } from "@ll/chat";
import { openModel } from "@ll/chat/node";
import { isHubError } from "@ll/hub";
import { assertGuarded, helpText, readArguments } from "./arguments.ts";
import { modelPath, nameOf } from "./named-model.ts";
import { type ServeParams, UsageError } from "./options.ts";
import { createPage } from "./page.ts";
import { PAGE_FILES } from "./page-files.ts";
import type { LogLine } from "./request-record.ts";
import { createModelServer, type ModelServer } from "./server.ts";

const ExitCode = { ok: 0, failed: 1, usage: 2, badFile: 3, environment: 4, internal: 5, engine: 6 } as const;
/** What the hub says no to is a request that cannot be met; but these. */
const HUB_EXIT_CODES: Readonly<Record<string, number>> = {
  E_BUSY: ExitCode.environment,
  E_OFFLINE: ExitCode.environment,
  E_HASH: ExitCode.badFile,
};
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** How often it is looked whether the last answer has ended. */
const DRAIN_STEP_MS = 50;

export async function main(argv: readonly string[]): Promise<void> {
  // the adapter says so on the console when a client breaks off, which is no news; standard output is for the address
  console.info = () => undefined;
  console.error = () => undefined;
  try {
    const params = readArguments(argv, process.env);
    if (params === "help") process.stdout.write(helpText());
    else if (params === "version") process.stdout.write(`ll-serve ${version()}, Node ${process.versions.node}\n`);
    else await serve(params);
  } catch (error) {
    end(error);
  }
}

async function serve(params: ServeParams): Promise<void> {
  const keys = await readKeys(params);
  assertGuarded(params, keys);
  const template = params.template === undefined ? undefined : await templateOf(params.template);
  let server: ModelServer | undefined;
  const { model, lora, loraBase, draftModel } = params;
  const path = (name: string): Promise<string> => modelPath(name, process.env, say);
  const open = async (): Promise<ChatModel> =>
    openModel(await path(model), {
      contextTokens: params.contextTokens,
      parallel: params.slots,
      threads: params.threads,
      offMainThread: true, // however busy the model is, the thread of the server takes connections, and refuses what is too much
      arithmetic: params.arithmetic,
      kvType: { k: params.cacheTypeK, v: params.cacheTypeV },
      template,
      lora: lora === undefined ? undefined : { from: lora, base: loraBase && (await path(loraBase)) },
      lookup: params.lookup,
      draft: draftModel === undefined ? undefined : { from: await path(draftModel), tokens: params.draftTokens },
      sampling: params.sampling,
      scheduler: {
        contexts: params.contexts ?? 2 * params.slots,
        maxWaiting: params.queue,
        maxWaitMs: params.queueTimeoutS * 1000,
        maxStepMs: params.maxStepMs,
        maxStepTokens: params.batchTokens,
        isShared: params.sharesCache,
        onStep: (step) => server?.onStep(step),
      },
    });
  server = createModelServer({
    host: params.host,
    allowHosts: params.allowHosts,
    allowOrigins: params.allowOrigins,
    proxies: params.proxies,
    keys,
    names: params.aliases.length > 0 ? params.aliases : [nameOf(params.model)],
    created: await timeOf(params.model),
    seed: params.sampling.seed,
    version: version(),
    hasSlots: params.hasSlots,
    queue: params.queue,
    page: params.hasPage ? createPage(PAGE_FILES) : undefined,
    open,
    log: (line) => logLine(line, params.log),
    onError: (error) => say(`error: ${error instanceof Error ? error.message : String(error)}`),
    onReload: () => say("the engine failed; the model is being loaded again"),
    onFailed: () => {
      say("the engine failed, and could not be started again");
      process.exit(ExitCode.engine);
    },
  });
  await listen(server, params);
  onSignals(server, params);
  say(`loading ${params.model}`);
  await server.host.load();
  for (const warning of server.host.model?.info.warnings ?? []) say(`warning: ${warning}`);
  const { address, port } = server.http.address() as Partial<AddressInfo>;
  const shown = address?.includes(":") ? `[${address}]` : address;
  process.stdout.write(port === undefined ? `${params.host}\n` : `http://${shown}:${port}\n`);
}

/** Before the model is loaded, so that whoever waits for it is told so. */
async function listen({ http }: ModelServer, params: ServeParams): Promise<void> {
  const { host, port, portFile } = params;
  const path = host.startsWith("unix:") ? host.slice("unix:".length) : undefined;
  const mask = path === undefined ? undefined : process.umask(0o177); // a socket for its owner alone
  try {
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(path === undefined ? { host, port } : { path }, () => resolve());
    });
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
  if (path !== undefined || portFile === undefined) return;
  const bytes = new TextEncoder().encode(`${(http.address() as AddressInfo).port}\n`);
  const out = await createOutFile(portFile, { inputs: [params.model], expectedBytes: bytes.length });
  try {
    await out.write(bytes);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
}

/** The first signal lets answers end, the second ends at once. */
function onSignals(server: ModelServer, params: ServeParams): void {
  let isDraining = false;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isDraining) process.exit(code);
      isDraining = true;
      say(`${signal}: no new requests; ${server.nAnswers()} answers go on`);
      drain(server, params).then((isWhole) => process.exit(isWhole ? ExitCode.ok : code), end);
    });
  }
}

/** True if all answers came to their end. */
async function drain({ http, host, nAnswers }: ModelServer, params: ServeParams): Promise<boolean> {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  host.leave();
  await sleep(params.drainDelay * 1000);
  host.drain();
  http.close();
  http.closeIdleConnections();
  const deadline = Date.now() + params.drainSeconds * 1000;
  while (nAnswers() > 0 && Date.now() < deadline) await sleep(DRAIN_STEP_MS);
  const isWhole = nAnswers() === 0;
  await host.close();
  await sleep(DRAIN_STEP_MS); // what was answered at last is sent
  http.closeAllConnections();
  return isWhole;
}

async function readKeys({ apiKeyFile }: ServeParams): Promise<readonly string[]> {
  const text = apiKeyFile === undefined ? (process.env["LL_API_KEY"] ?? "") : await readFile(apiKeyFile, "utf8");
  const keys = text.split("\n").map((line) => line.trim());
  const found = keys.filter((line) => line !== "" && !line.startsWith("#"));
  if (apiKeyFile !== undefined && found.length === 0) throw new UsageError(`${apiKeyFile} has no key`);
  return found;
}

/** A name, or patterns in a file. */
async function templateOf(name: string): Promise<string | Template> {
  const text = await readFile(name, "utf8").catch(() => undefined);
  if (text === undefined) return name;
  try {
    return JSON.parse(text) as Template;
  } catch {
    throw new UsageError(`--template: ${name} is no JSON`);
  }
}

async function timeOf(model: string): Promise<number> {
  const ms = await stat(model).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
  return Math.floor(ms / 1000);
}

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function say(text: string): void {
  process.stderr.write(`ll-serve: ${printable(text, 1000)}\n`);
}

function logLine(line: LogLine, kind: ServeParams["log"]): void {
  if (kind === "json") process.stderr.write(`${JSON.stringify(line)}\n`);
  if (kind === "text") {
    const { time, id, ...rest } = line;
    const fields = Object.entries(rest).map(([name, value]) => `${name}=${value}`);
    process.stderr.write(`${time} ${id} ${fields.join(" ")}\n`);
  }
}

function end(error: unknown): never {
  say(error instanceof Error ? error.message : String(error));
  process.exit(exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError || error instanceof TypeError || error instanceof RangeError) return ExitCode.usage;
  if (isHubError(error)) return HUB_EXIT_CODES[error.code] ?? ExitCode.failed;
  if (isFormatError(error)) return ExitCode.badFile;
  const isSystem =
    error instanceof Error &&
    (typeof (error as NodeJS.ErrnoException).syscall === "string" || error.name === "MemoryError");
  return isIoError(error) || isSystem ? ExitCode.environment : ExitCode.internal;
}
