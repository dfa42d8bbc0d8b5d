// The hash table compared with a Map.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { NONE, TextIndex } from "../src/text-index.ts";
import { type Texts, TextsWriter } from "../src/texts.ts";
import { bytes } from "./support/arbitraries.ts";
import { latin1 } from "./support/plain-bpe.ts";

function textsOf(list: readonly Uint8Array[]): Texts {
  const writer = new TextsWriter(list.length, 8 * list.length);
  for (const text of list) {
    writer.bytes(text);
    writer.endText();
  }
  return writer.finish();
}

const list = fc.array(bytes({ maxLength: 8 }), { maxLength: 300 });

test.prop([list, fc.array(bytes({ maxLength: 8 }))])("finds what a Map finds", (added, others) => {
  const index = new TextIndex(textsOf(added));
  const ids = new Map<string, number>();
  for (const [id, text] of added.entries()) {
    expect(index.add(id)).toBe(ids.get(latin1(text)) ?? NONE);
    ids.set(latin1(text), id);
  }
  for (const text of [...added, ...others]) {
    expect(index.findText(text, 0, text.length)).toBe(ids.get(latin1(text)) ?? NONE);
  }
});

test.prop([list.filter(({ length }) => length > 0), fc.nat(), fc.nat(8)])(
  "the hash of a text follows from that of its beginning",
  (added, which, cut) => {
    const index = new TextIndex(textsOf(added));
    const id = which % added.length;
    index.add(id);
    const text = added[id] as Uint8Array;
    const middle = Math.min(cut, text.length);
    const hash = index.hash(index.hash(index.seed, text, 0, middle), text, middle, text.length);
    expect(hash).toBe(index.hashes[id]);
    expect(index.find(hash, text, 0, text.length)).toBe(id);
  },
);

test.prop([list.filter(({ length }) => length > 0), fc.nat()])("finds only what is of the type", (added, which) => {
  const index = new TextIndex(textsOf(added));
  const id = which % added.length;
  index.add(id);
  const text = added[id] as Uint8Array;
  const hash = index.hashes[id] as number;
  const types = new Uint8Array(added.length).fill(7);
  expect(index.find(hash, text, 0, text.length, types, 7)).toBe(id);
  expect(index.find(hash, text, 0, text.length, types, 8)).toBe(NONE);
});
