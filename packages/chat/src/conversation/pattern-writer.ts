// A conversation as ids, by the patterns of a template.

import type { Tokenizer } from "@ll/tokenizer";
import type { Template } from "../template/pattern-template.ts";
import { ConversationError } from "./conversation-error.ts";

/** Ids of the parts of a conversation. Each throws a ConversationError for a part of more than `MAX_PART_CHARS`. */
export interface PatternWriter {
  /** What stands before the first turn. */
  start(system: string): number[];
  /** The first turn that is kept. */
  firstTurn(system: string, user: string): number[];
  /** A later turn, with the end of the answer before it. */
  nextTurn(user: string): number[];
  /** An answer that was not generated here, or of which only a part counts. */
  answer(text: string): number[];
}

/**
 * Characters of one part. A pattern may repeat what stands for a placeholder thousands of times, so short files could ask for any
 * amount of text. So much is encoded in 0.2 s, and a context of 250,000 tokens holds no more.
 */
const MAX_PART_CHARS: number = 1024 * 1024;

/** What a special id counts for: text on both sides of it is encoded separately, which takes as long as so many characters. */
const ID_CHARS = 32;

/** What stands for `{system}` and `{text}`. */
interface Values {
  readonly system: string;
  readonly text: string;
}

/** A stretch of a pattern: text, an id, or what a placeholder stands for. */
type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "id"; readonly id: number }
  | { readonly kind: "value"; readonly of: keyof Values };

export function createPatternWriter(template: Omit<Template, "name">, tokenizer: Tokenizer): PatternWriter {
  const ids = new Map([
    ["{bos}", (tokenizer.addBos ? tokenizer.special.bos : undefined) ?? -1], // -1: not written
    ["{eos}", tokenizer.special.eos ?? -1],
  ]);
  for (const text of template.special ?? []) {
    const id = tokenizer.special.idOf(text);
    if (id !== undefined) ids.set(text, id);
  }
  const splitter = new RegExp(`(${["{system}", "{text}", ...ids.keys()].map(escaped).join("|")})`);

  function piecesOf(pattern: string): Piece[] {
    // patterns are written for LLaMA's own vocabulary: with BOS, and with a space where a text begins
    const wanted = tokenizer.addSpacePrefix ? pattern : pattern.replaceAll("{bos} ", "{bos}");
    return wanted.split(splitter).flatMap((text): Piece[] => {
      const id = ids.get(text);
      if (id !== undefined) return id < 0 ? [] : [{ kind: "id", id }];
      if (text === "{text}") return [{ kind: "value", of: "text" }];
      if (text === "{system}") return [{ kind: "value", of: "system" }];
      return text === "" ? [] : [{ kind: "text", text }];
    });
  }

  const systemBlock = piecesOf(template.systemBlock);
  const start = piecesOf(template.start);
  const firstUser = piecesOf(template.firstUser ?? template.user);
  const nextUser = piecesOf(template.answerEnd + template.user);

  /** Neighbouring texts are encoded together, as the model saw them in training. */
  function write(pattern: readonly Piece[], values: Values): number[] {
    const written: number[] = [];
    let pending = "";
    let nChars = 0;
    const flush = (): void => {
      if (pending === "") return;
      for (const id of tokenizer.encode(pending)) written.push(id);
      pending = "";
    };
    const take = (chars: number): void => {
      nChars += chars;
      if (nChars > MAX_PART_CHARS) {
        throw new ConversationError(
          "E_TOO_LONG",
          `too long: more than ${MAX_PART_CHARS} characters, as the template writes it down`,
        );
      }
    };
    const append = (pieces: readonly Piece[], { system, text }: Values): void => {
      for (const piece of pieces) {
        if (piece.kind === "id") {
          take(ID_CHARS);
          flush();
          written.push(piece.id);
        } else if (piece.kind === "value" && piece.of === "system") {
          if (system !== "") append(systemBlock, { system: "", text: system });
        } else {
          const more = piece.kind === "text" ? piece.text : text;
          take(more.length);
          pending += more;
        }
      }
    };
    append(pattern, values);
    flush();
    return written;
  }

  return {
    start: (system) => write(start, { system, text: "" }),
    firstTurn: (system, user) => write(firstUser, { system, text: user }),
    nextTurn: (user) => write(nextUser, { system: "", text: user }),
    answer: (text) => [...tokenizer.encode(text)],
  };
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
}
