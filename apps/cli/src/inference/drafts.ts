// What a program drafts from: the text, a small model, or both.

import { printable } from "@ll/bytes";
import { isSameVocabulary } from "@ll/chat/conversation";
import type { Context, DraftOptions, Model } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import type { Io } from "../command.ts";
import { Refusal } from "../errors.ts";
import { modelPath } from "../model-path.ts";
import type { LoadedModel } from "./model-loading.ts";
import type { RunParams } from "./params.ts";
import { openContext } from "./run-model.ts";

export interface Drafts {
  readonly options: DraftOptions;
  /** The model that drafts. */
  readonly model: Model | undefined;
}

/** The model that drafts are for. */
export interface DraftedModel {
  readonly params: RunParams;
  readonly io: Io;
  readonly context: Context;
  readonly tokenizer: Tokenizer;
}

/**
 * @param load loads the model that drafts
 * @param warn is told why nothing can be drafted
 * @throws Refusal if the model that drafts has another vocabulary; as `loadModel`
 */
export async function openDrafts(
  { params, io, context, tokenizer }: DraftedModel,
  load: (params: RunParams, io: Io) => Promise<LoadedModel>,
  warn: (text: string) => void,
): Promise<Drafts> {
  const { lookup, draftModel, draftTokens } = params;
  const none: Drafts = { options: {}, model: undefined };
  if (lookup === 0 && draftModel === undefined) return none;
  const obstacle = obstacleOf(context);
  if (obstacle !== undefined) {
    warn(`nothing is drafted: ${obstacle}`);
    return none;
  }
  if (draftModel === undefined) return { options: { lookup }, model: undefined };
  const path = await modelPath(draftModel, io, params.quiet);
  const other = { ...params, model: path, lora: undefined, loraBase: undefined, arithmetic: undefined };
  const loaded = await load(other, io);
  const { model } = loaded;
  try {
    if (!isSameVocabulary(tokenizer, loaded.tokenizer)) {
      throw new Refusal(
        `'${printable(draftModel, 4096)}' has another vocabulary, so it cannot draft for this model`,
        "--draft-model takes a smaller model of the same family",
      );
    }
    const draftContext = await openContext(model, params);
    if (draftContext.memory.kind === "recurrent") {
      throw new Refusal("--draft-model: a model with recurrent layers cannot take back what it guessed");
    }
    return { options: { lookup, draft: { context: draftContext, tokens: draftTokens } }, model };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

function obstacleOf({ memory, isCutVisible }: Context): string | undefined {
  if (memory.kind === "recurrent") return "a model with recurrent layers cannot take tokens back";
  return isCutVisible
    ? "with --compat and --memory-f32 results depend on how many tokens are evaluated at once"
    : undefined;
}
