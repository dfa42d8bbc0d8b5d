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

const EOS = 2;

/** The stage of `params.grammarText`; undefined if that is empty. @throws ReportedError for a grammar that cannot be used */
export function openGrammar(
  params: RunParams,
  nVocab: number,
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
    grammar = parseGrammar(params.grammarText);
  } catch (error) {
    return report("parse: error parsing grammar", error);
  }
  say("main: grammar:");
  for (const line of printGrammar(grammar)) say(line);
  say("");
  if (params.logitBias.get(EOS) === Number.NEGATIVE_INFINITY) {
    say("main: warning: EOS token is disabled, which will cause most grammars to fail");
  }
  try {
    // a model may have ids behind its vocabulary: they have no text
    const tokenBytes = (id: number): Uint8Array =>
      id < tokenizer.nVocab ? tokenizer.tokenBytes(id) : new Uint8Array(0);
    return createGrammarStage({ grammar, nVocab, tokenBytes, eosId: EOS });
  } catch (error) {
    return report("main: error", error);
  }
}
