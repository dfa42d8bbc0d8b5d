// `--prompt-cache`: a session file that holds an evaluated prompt, so that the next run need not evaluate it again.

import { printable } from "@ll/bytes";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import { type Context, isSessionError, type TokenGenerator } from "@ll/llama";
import { matchSession, readSession, restoreSession, type Session, sessionFileBytes, writeSession } from "@ll/model";
import type { Sampler } from "@ll/sampling";
import type { Io } from "../../command.ts";
import { Refusal, ReportedError } from "../../errors.ts";

/** Loads a session file if there is one; says so as build 803 does. */
export async function loadSession(
  path: string,
  context: Context,
  io: Io,
  { compat }: { readonly compat: boolean },
): Promise<Session | undefined> {
  if (context.memory.kind === "recurrent") {
    const message =
      "--prompt-cache: session files hold keys and values only, and this model has recurrent state besides";
    throw new Refusal(message, "leave out --prompt-cache");
  }
  io.err.write(`main: attempting to load saved session from '${printable(path, 4096)}'\n`);
  const source = await openFileSource(path).catch((error: unknown) => {
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === "ENOENT") return undefined;
    throw error;
  });
  if (source === undefined) {
    io.err.write("main: session file does not exist, will create\n");
    return undefined;
  }
  try {
    const session = await readSession(source, context);
    await restoreSession(context, session);
    io.err.write(`main: loaded a session with prompt size of ${session.tokens.length} tokens\n`);
    if (!session.isOfKnownModel && !compat) {
      io.err.write(
        "main: warning: the session file does not say which model it is of; if it is another, the text is noise\n",
      );
    }
    return session;
  } catch (error) {
    if (isSessionError(error, "E_SESSION_MODEL")) {
      io.err.write(
        `main: the session in '${printable(path, 4096)}' is of another model with the same shape, or of another arithmetic: not used\n`,
      );
      return undefined;
    }
    const reason = printable(error instanceof Error ? error.message : String(error), 512);
    io.err.write(
      `error loading session file: ${reason}\nmain: error: failed to load session file '${printable(path, 4096)}'\n`,
    );
    throw new ReportedError(error);
  } finally {
    await source.close();
  }
}

/** What a session saves of this prompt, and what is said about it. */
export function compareSession(
  sessionTokens: readonly number[],
  promptTokens: readonly number[],
  options: { readonly promptFromSession: boolean; readonly compat: boolean },
): { readonly tokens: readonly number[]; readonly nMatching: number; readonly message: string | undefined } {
  const { nMatching, tokens } = matchSession(sessionTokens, promptTokens, { compat: options.compat });
  return { tokens, nMatching, message: messageFor(sessionTokens.length, promptTokens.length, nMatching, options) };
}

function messageFor(
  nSession: number,
  nPrompt: number,
  nMatching: number,
  { promptFromSession }: { readonly promptFromSession: boolean },
): string | undefined {
  if (nSession === 0) return undefined;
  if (promptFromSession && nMatching === nPrompt) return "main: using full prompt from session file";
  if (nMatching >= nPrompt) return "main: session file has exact match for prompt!";
  const share = `${nMatching} / ${nPrompt} tokens`;
  if (nMatching < Math.trunc(nPrompt / 2)) {
    return `main: warning: session file has low similarity to prompt (${share}); will mostly be reevaluated`;
  }
  return `main: session file matches ${share} of prompt`;
}

/**
 * Writes the state of the running text; nothing after a context swap, which ends a session. Nobody else may read what was said.
 * @param inputs files that were read for this run
 */
export async function saveSession(
  path: string,
  inputs: readonly string[],
  context: Context,
  generator: TokenGenerator,
  sampler: Sampler,
  { compat }: { readonly compat: boolean },
): Promise<void> {
  const { sessionTokens, logits } = generator;
  if (sessionTokens === undefined || logits === undefined) return;
  const expectedBytes = sessionFileBytes(context, sessionTokens.length);
  const file = await createOutFile(path, { inputs, isPrivate: true, expectedBytes });
  try {
    await writeSession(file, context, { tokens: sessionTokens, rng: sampler.rng.exportState(), logits, compat });
    await file.commit();
  } finally {
    await file.abort();
  }
}
