// What ll-main drafts from: the text, a small model, or both.

import { printable } from "@ll/bytes";
import type { Context, DraftOptions, Model } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal } from "../../errors.ts";
import type { loadModel } from "../../inference/model-loading.ts";
import { openContext, type Run } from "../../inference/run-model.ts";

export interface Drafts {
  readonly options: DraftOptions;
  /** The model that drafts. */
  readonly model: Model | undefined;
}

/** Says so if nothing can be drafted. @throws Refusal if the model that drafts has another vocabulary; as `loadModel` */
export async function openDrafts(run: Run, load: typeof loadModel): Promise<Drafts> {
  const { params, io, context } = run;
  const { lookup, draftModel, draftTokens } = params;
  const none: Drafts = { options: {}, model: undefined };
  if (lookup === 0 && draftModel === undefined) return none;
  const obstacle = obstacleOf(context);
  if (obstacle !== undefined) {
    io.err.write(`main: warning: nothing is drafted: ${obstacle}\n`);
    return none;
  }
  if (draftModel === undefined) return { options: { lookup }, model: undefined };
  const other = { ...params, model: draftModel, lora: undefined, loraBase: undefined, arithmetic: undefined };
  const { model, tokenizer } = await load(other, io);
  try {
    if (!isSameVocabulary(run.tokenizer, tokenizer)) {
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

/** Sizes may differ by entries that fill up a matrix. */
function isSameVocabulary(a: Tokenizer, b: Tokenizer): boolean {
  const n = Math.min(a.nVocab, b.nVocab);
  for (let id = 0; id < n; id++) {
    const [own, other] = [a.tokenBytes(id), b.tokenBytes(id)];
    if (own.length !== other.length || own.some((byte, i) => byte !== other[i])) return false;
  }
  return true;
}
