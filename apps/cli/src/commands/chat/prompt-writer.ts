// A conversation as ids, by the patterns of a template.

import type { Tokenizer } from "@ll/tokenizer";
import type { Template } from "./template.ts";

/** Ids of the parts of a conversation. */
export interface PromptWriter {
  /** What stands before the first turn. */
  start(system: string): number[];
  /** The first turn that is kept. */
  firstTurn(system: string, user: string): number[];
  /** A later turn, with the end of the answer before it. */
  nextTurn(user: string): number[];
  /** An answer that was not generated here, or of which only a part counts. */
  answer(text: string): number[];
}

/** What stands for `{system}` and `{text}`. */
interface Values {
  readonly system: string;
  readonly text: string;
}

/** @param idOf the id whose text is exactly this, for the special texts of a template; undefined if there is none */
export function createPromptWriter(
  template: Template,
  tokenizer: Tokenizer,
  idOf: (text: string) => number | undefined,
): PromptWriter {
  const special = new Map<string, number>();
  for (const text of template.special) {
    const id = idOf(text);
    if (id !== undefined) special.set(text, id);
  }
  const placeholders = ["{bos}", "{eos}", "{system}", "{text}", ...special.keys()];
  const splitter = new RegExp(`(${placeholders.map(escaped).join("|")})`);

  /** Neighbouring texts are encoded together, as the model saw them in training. */
  function write(pattern: string, values: Values): number[] {
    const ids: number[] = [];
    let pending = "";
    const flush = (): void => {
      for (const id of tokenizer.encode(pending)) ids.push(id);
      pending = "";
    };
    const append = (part: string, { system, text }: Values): void => {
      for (const piece of part.split(splitter)) {
        const id = piece === "{bos}" ? tokenizer.bos : piece === "{eos}" ? tokenizer.eos : special.get(piece);
        if (id !== undefined) {
          flush();
          ids.push(id);
        } else if (piece === "{text}") pending += text;
        else if (piece !== "{system}") pending += piece;
        else if (system !== "") append(template.systemBlock, { system: "", text: system });
      }
    };
    append(pattern, values);
    flush();
    return ids;
  }

  return {
    start: (system) => write(template.start, { system, text: "" }),
    firstTurn: (system, user) => write(template.firstUser ?? template.user, { system, text: user }),
    nextTurn: (user) => write(template.answerEnd + template.user, { system: "", text: user }),
    answer: (text) => [...tokenizer.encode(text)],
  };
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
}
