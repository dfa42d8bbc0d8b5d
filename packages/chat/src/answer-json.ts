// The value of an answer. Loaded when one is asked for.

import type { AnswerResult } from "./answer.ts";
import { AnswerError } from "./errors.ts";
import { type Schema, validated } from "./schema.ts";

/** @throws AnswerError `E_CUT`, `E_INVALID` */
export async function jsonOf(schema: Schema | undefined, { text, finish }: AnswerResult): Promise<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message =
      finish === "length" ? "the limit of tokens came before the end of the JSON value" : "the answer is no JSON";
    throw new AnswerError(finish === "length" ? "E_CUT" : "E_INVALID", message, { cause });
  }
  if (schema === undefined) return value;
  try {
    return await validated(schema, value);
  } catch (cause) {
    throw new AnswerError("E_INVALID", `the schema does not admit the answer: ${(cause as Error).message}`, { cause });
  }
}
