// Which keys of a GGUF file its family reads, and what may become of the others. A key may be harmless; it may also change what the model
// computes, and a model that is computed otherwise than it was trained gives noise or, worse, nearly the right text.

import type { KeyReader } from "./architecture.ts";
import { ARCHITECTURES } from "./families/index.ts";

/** Keys that change the arithmetic of some family, and the values besides 0 and false at which they do not. */
const ARITHMETIC: readonly (readonly [key: RegExp, neutral: readonly unknown[]])[] = [
  [/^attention\.causal$/, [true]],
  [/_scale$/, [1]],
  [/^rope\.scaling\.attn_factor$/, [1]],
  [/softcapping$/, []],
  [/clamp_kqv$/, []],
  [/max_alibi_bias$/, []],
  [/^expert_/, []],
  [/^ssm\./, []],
  [/^shortconv\./, []],
  [/^attention\./, []],
];

/** The values besides 0 and false at which a key, without its prefix, changes nothing; undefined if it may have any. */
export function neutralValues(key: string): readonly unknown[] | undefined {
  return ARITHMETIC.find(([pattern]) => pattern.test(key))?.[1];
}

/** Keys under the family's prefix that it does not read, in the order of the file. Of an unknown family there are none. */
export function unreadKeys(keys: Iterable<string>, architecture: string): string[] {
  const family = ARCHITECTURES.find(({ name }) => name === architecture);
  if (family === undefined) return [];
  const asked = new Set<string>(["context_length"]);
  family.readHyper(recordingReader(asked));
  return unreadOf(keys, architecture, asked);
}

/** Keys that begin with `prefix` and were not `asked` for, in the order of the file. */
export function unreadOf(keys: Iterable<string>, prefix: string, asked: ReadonlySet<string>): string[] {
  const start = `${prefix}.`;
  return Array.from(keys).filter((key) => key.startsWith(start) && !asked.has(key.slice(start.length)));
}

/** Remembers what is asked for and answers anything that makes a model: heads have two channels. */
function recordingReader(asked: Set<string>): KeyReader {
  const answer = <T>(key: string, value: T): T => {
    asked.add(key);
    return value;
  };
  return {
    count: (key, fallback = 2) => answer(key, Math.max(2, fallback)),
    float: (key, fallback = 1) => answer(key, fallback),
    flag: (key, fallback = false) => answer(key, fallback),
    text: (key, fallback = "") => answer(key, fallback),
    choice: (key, _choices, fallback) => answer(key, fallback),
    perLayer: (key, nLayers, fallback = 1) => answer(key, new Array<number>(nLayers).fill(fallback)),
    isArray: (key) => answer(key, false),
    has: (key) => answer(key, false),
    nVocab: () => answer("vocab_size", 1),
    expect: (key) => void asked.add(key),
    refuse(key) {
      throw new Error(`${key} was refused`);
    },
  };
}
