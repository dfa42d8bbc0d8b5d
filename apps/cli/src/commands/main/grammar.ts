// `--grammar`: the grammar parsed, listed and made a stage, with what llama.cpp's last ggjt revision says about it.

import {
  createGrammarStage,
  type Grammar,
  type GrammarStage,
  isGrammarError,
  parseGrammar,
  printGrammar,
} from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal, ReportedError } from "../../errors.ts";
import type { RunParams } from "../../inference/params.ts";
import { biasesOf } from "./chain.ts";

/** `text` without the byte order mark that editors on Windows write. */
function withoutMark(text: Uint8Array): Uint8Array {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text;
}

/** The stage of `params.grammarText`; undefined if that is empty. @throws ReportedError for a grammar that cannot be used */
export function openGrammar(
  params: RunParams,
  tokenizer: Tokenizer,
  say: (line: string) => void,
): GrammarStage | undefined {
  if (params.grammarText.length === 0) return undefined;
  const report = (prefix: string, error: unknown): never => {
    if (!isGrammarError(error)) throw error;
    say(`${prefix}: ${error.message}`);
    throw new ReportedError(new Refusal(error.message));
  };

  let grammar: Grammar;
  try {
    grammar = parseGrammar(withoutMark(params.grammarText));
  } catch (error) {
    return report("parse: error parsing grammar", error);
  }
  say("main: grammar:");
  for (const line of printGrammar(grammar)) say(line);
  say("");
  const { ends, eos = -1 } = tokenizer.special;
  if (biasesOf(params, tokenizer).get(eos) === Number.NEGATIVE_INFINITY) {
    say("main: warning: EOS token is disabled, which will cause most grammars to fail");
  }
  try {
    const { nVocab, tokenBytes } = tokenizer;
    return createGrammarStage({ grammar, nVocab, tokenBytes, endIds: ends });
  } catch (error) {
    return report("main: error", error);
  }
}
