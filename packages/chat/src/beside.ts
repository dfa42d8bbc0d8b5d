// What stands beside a model: an adapter that changes it, and what guesses its next tokens. Loaded when there is any.

import type { TensorSource } from "@ll/bytes";
import {
  DEFAULT_DRAFT_TOKENS,
  type LoadModelOptions,
  loadModel,
  MAX_DRAFT_TOKENS,
  type Model,
  type ModelConfig,
} from "@ll/llama";
import { type ModelFile, type ModelInput, openAdapter, openModelFile, withLora } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { DraftSources } from "./slot-pool.ts";

/** @typeParam From what files are given as */
export interface FilesBeside<From> {
  /** A low-rank adapter, of ggml or in a GGUF file; with `base`, a better original of the tensors that it changes, in f16 or f32. */
  readonly lora?: { readonly from: From; readonly base?: From | undefined } | undefined;
  /**
   * Guesses of the next tokens, which are evaluated together with the latest one and kept as far as the sampler draws the same: they change
   * no answer. `lookup` takes at most so many tokens of what stood behind the latest ones where they came before; `draft` asks a small
   * model of the same vocabulary for at most so many, 5 unless `tokens` says. Default: none.
   */
  readonly lookup?: number | undefined;
  readonly draft?: { readonly from: From; readonly tokens?: number | undefined } | undefined;
}

/** What such a file is opened by. */
type Input<From> = (from: From) => ModelInput | Promise<ModelInput>;

/** The tensors with those of an adapter added. Those of both are read later. */
export async function patched<From>(
  tensors: TensorSource,
  config: ModelConfig,
  { lora }: FilesBeside<From>,
  input: Input<From>,
): Promise<TensorSource> {
  if (lora === undefined) return tensors;
  const adapter = await openAdapter(await input(lora.from), tensors, config);
  const base = lora.base === undefined ? undefined : (await openModelFile(await input(lora.base))).source;
  return withLora(tensors, adapter, { base });
}

/** The file of a small model that makes guesses, to be opened before anything large is loaded. */
export async function openDraft<From>(
  { draft }: FilesBeside<From>,
  input: Input<From>,
): Promise<{ readonly file: ModelFile; readonly source: TensorSource; readonly config: ModelConfig } | undefined> {
  if (draft === undefined) return undefined;
  const file = await openModelFile(await input(draft.from));
  return { file, source: file.source, config: file.config() };
}

/**
 * A warning alone if guesses of this model could not be taken back.
 * @throws RangeError; TypeError for a model that cannot guess for this one; as `openModel`
 */
export async function draftSources<From>(
  model: Model,
  tokenizer: Tokenizer,
  { lookup = 0, draft }: FilesBeside<From>,
  { arithmetic: _, ...loading }: LoadModelOptions, // that of the small model is its own
  small: Awaited<ReturnType<typeof openDraft>>,
): Promise<{ readonly sources?: DraftSources; readonly warning?: string }> {
  const { tokens = DEFAULT_DRAFT_TOKENS } = draft ?? {};
  if (small === undefined && lookup === 0) return {};
  assertDraftTokens("lookup", lookup);
  assertDraftTokens("draft.tokens", tokens);
  if (!(await takesBack(model))) {
    return { warning: "nothing is guessed: a model with recurrent layers cannot take tokens back" };
  }
  if (small === undefined) return { sources: { lookup, draft: undefined } };
  return { sources: { lookup, draft: { model: await loadDraftModel(small.file, tokenizer, loading), tokens } } };
}

function assertDraftTokens(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_DRAFT_TOKENS) return;
  throw new RangeError(`"${name}" expected an integer from 0 to ${MAX_DRAFT_TOKENS}, got ${value}`);
}

async function loadDraftModel(
  file: ModelFile,
  tokenizer: Tokenizer,
  options: Omit<LoadModelOptions, "arithmetic">,
): Promise<Model> {
  const config = file.config();
  if (!isSameVocabulary(tokenizer, await file.tokenizer({ nVocab: config.nVocab }))) {
    throw new TypeError(`"draft.from" expected a model of the same vocabulary; ${file.name} has another`);
  }
  const model = await loadModel(file.source, config, options);
  try {
    if (await takesBack(model)) return model;
    throw new TypeError(
      `"draft.from" expected a model without recurrent layers, which cannot take back what it guessed`,
    );
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** False for a model with recurrent layers: what it has evaluated stays evaluated. */
async function takesBack(model: Model): Promise<boolean> {
  const context = await model.createContext({ contextTokens: 8 });
  const { kind } = context.memory;
  await context.dispose();
  return kind === "positions";
}

/** Sizes may differ by entries that fill up a matrix. */
export function isSameVocabulary(a: Tokenizer, b: Tokenizer): boolean {
  const n = Math.min(a.nVocab, b.nVocab);
  for (let id = 0; id < n; id++) {
    const [own, other] = [a.tokenBytes(id), b.tokenBytes(id)];
    if (own.length !== other.length || own.some((byte, i) => byte !== other[i])) return false;
  }
  return true;
}
