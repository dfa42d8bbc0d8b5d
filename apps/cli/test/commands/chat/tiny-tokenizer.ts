// The tokenizer of the embedded model.

import { readFileSync } from "node:fs";
import { createTokenizer, readSentencePieceModel, type Tokenizer } from "@ll/tokenizer";
import { fixture } from "../../../../../tools/test-data.ts";

export const tokenizer: Tokenizer = createTokenizer(
  readSentencePieceModel(readFileSync(fixture("tiny/hf/tokenizer.model"))),
);
