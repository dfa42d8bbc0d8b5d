// A model, and what answers depend on besides the requests: whoever has the same of that gives the same answers, and nobody else is
// given the work.

import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import type { ChatModel } from "@ll/chat";
import { openModel as openChatModel } from "@ll/chat/node";
import { type Io, manifestVersion, modelPath, UsageError } from "@ll/cli/frame";
import { fingerprintOf } from "@ll/llama";
import { openModelFile } from "@ll/model/node";
import type { JobRunner } from "../jobs/job-kind.ts";
import type { ModelParams } from "./options.ts";

/** As `@ll/chat` has it; it is not lowered here to what memory holds, since that differs between machines. */
const MOST_CONTEXT_TOKENS = 4096;

export interface Contract {
  readonly path: string;
  /** Of the model, for requests that name none. */
  readonly name: string;
  readonly contextTokens: number;
  /** What must be the same everywhere, by name. */
  readonly terms: Readonly<Record<string, string | number>>;
  /** 16 hexadecimal digits of these. */
  readonly fingerprint: string;
}

/** Finds the model, downloads it if it is named and not there, and reads its header. @throws FormatError, IoError, UsageError */
export async function contractOf(params: ModelParams, io: Io, isQuiet: boolean): Promise<Contract> {
  if (params.model === "") throw new UsageError("no model given: -m MODEL");
  const path = await modelPath(params.model, io, isQuiet);
  const file = await openModelFile(path);
  try {
    const config = file.config();
    const contextTokens = params.contextTokens ?? Math.min(file.trainedContextTokens, MOST_CONTEXT_TOKENS);
    const templates = [file.templates.main ?? "", ...[...file.templates.named].flat()].join("\0");
    const terms = {
      version: manifestVersion(),
      weights: (await fingerprintOf(file.source)).toString(16).padStart(16, "0"),
      header: digest(JSON.stringify([config, file.vocabulary])),
      arithmetic: params.arithmetic ?? config.arithmetic ?? "build803",
      cache: params.kvType,
      context: contextTokens,
      template: params.template ?? `its own, ${digest(templates)}`,
      sampling: JSON.stringify(file.sampling),
      date: params.date,
    };
    const name = basename(path, extname(path)) || basename(path);
    return { path, name, contextTokens, terms, fingerprint: digest(JSON.stringify(terms)) };
  } finally {
    await file.close();
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export interface OpenedModel {
  readonly model: ChatModel;
  readonly facts: JobRunner["facts"];
  close(): Promise<void>;
}

/** @throws FormatError, ModelError, MemoryError, IoError */
export async function openModel(
  { path, contextTokens, fingerprint }: Contract,
  params: ModelParams,
  signal?: AbortSignal,
): Promise<OpenedModel> {
  process.env["TZ"] = "UTC"; // a template that asks for the time gets the same everywhere
  const { threads, parallel, arithmetic, kvType, template, date } = params;
  const model = await openChatModel(path, {
    ...{ contextTokens, threads, parallel, arithmetic, kvType, template, signal },
    date: () => new Date(`${date}T00:00:00Z`),
  });
  const { info } = model;
  const facts = {
    ...{ model: info.name, fingerprint, version: manifestVersion(), arithmetic: info.arithmetic, cache: info.kvType },
    ...{ kernels: info.kernels, threads: info.threads, parallel },
  };
  return { model, facts, close: () => model.dispose() };
}
