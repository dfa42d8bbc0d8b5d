// What the largest vocabulary costs: 1,000,000 pieces in 12 MB. The figures of SECURITY.md come from here.
//   node --expose-gc --conditions=@ll/source packages/tokenizer/bench/memory.ts

import { createTokenizer, readSentencePieceModel } from "../src/index.ts";
import { largeModel } from "../test/support/large-model.ts";

/** Bytes in use once everything else has been collected. */
function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error("start with --expose-gc");
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const file = largeModel();
const before = usedBytes();
const rssBefore = process.memoryUsage().rss;
const start = performance.now();
const tokenizer = createTokenizer(readSentencePieceModel(file));
const ms = performance.now() - start;
const peakBytes = process.resourceUsage().maxRSS * 1024 - rssBefore;
const used = usedBytes() - before;
tokenizer.encode("a", { mode: "sentencepiece" });
const both = usedBytes() - before;

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(`${tokenizer.nVocab} pieces in ${mega(file.length)}: ${ms.toFixed(0)} ms`);
console.log(
  `kept: ${mega(used)}, with mode "sentencepiece" ${mega(both)}; the process grew by ${mega(peakBytes)} at most`,
);
