// Prompts as texts or as ids, one or several.

import type { ChatModel } from "@ll/chat";
import { ApiError, invalidValue } from "./api-error.ts";

export type Tokenizer = ChatModel["tokenizer"];

export type Prompt = string | readonly number[];

/**
 * A string, ids, or a list of strings or of ids.
 * @param most how many
 * @throws ApiError
 */
export function promptsOf(value: unknown, param: string, most: number, { nVocab }: Tokenizer): readonly Prompt[] {
  if (value === undefined) {
    throw new ApiError({
      status: 400,
      code: "missing_field",
      param,
      message: `${param}: expected a text, got nothing`,
    });
  }
  const isOne = isOnePrompt(value);
  const list = isOne ? [value] : (value as readonly unknown[]);
  if (list.length === 0 || list.length > most) {
    throw invalidValue(param, `expected 1 to ${most} prompts, got ${list.length}`);
  }
  return list.map((one, i) => {
    if (typeof one === "string") return one;
    const place = isOne ? param : `${param}[${i}]`;
    if (!Array.isArray(one) || one.length === 0) throw invalidValue(place, "expected a text, or a list of ids");
    return checkedIds(one, place, nVocab);
  });
}

/** A text or a list of ids, not a list of either. */
export function isOnePrompt(value: unknown): boolean {
  return !Array.isArray(value) || typeof value[0] === "number";
}

/** @throws ApiError */
export function checkedIds(ids: readonly unknown[], param: string, nVocab: number): readonly number[] {
  const bad = ids.findIndex((id) => !Number.isInteger(id) || Number(id) < 0 || Number(id) >= nVocab);
  if (bad >= 0) throw invalidValue(`${param}[${bad}]`, `expected an id from 0 to ${nVocab - 1}`);
  return ids as readonly number[];
}

/** Ids as the model is given them: of a text, as ll-main does it. @param isWhole whether nothing is to go on with it */
export function idsOf(prompt: Prompt, tokenizer: Tokenizer, isWhole = false): Int32Array {
  const text = { prompt: true, eos: isWhole };
  return typeof prompt === "string" ? tokenizer.encode(prompt, text) : Int32Array.from(prompt);
}
