import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { lookUpDraft } from "../src/index.ts";

test.each([
  ["what followed the last two tokens before", [5, 6, 7, 8, 5, 6], 3, [7, 8, 5]],
  ["no more than asked for", [5, 6, 7, 8, 5, 6], 1, [7]],
  ["of two places the one with the longer repetition", [1, 2, 3, 9, 2, 3, 8, 1, 2, 3], 1, [9]],
  ["of equal ones the latest", [2, 3, 9, 2, 3, 8, 2, 3], 1, [8]],
  ["a run goes on", [4, 4, 4], 5, [4]],
  ["nothing for one token alone", [3, 1, 3], 4, []],
  ["nothing of nothing", [], 4, []],
  ["nothing if nothing is wanted", [1, 2, 1, 2], 0, []],
])("%s", (_, tokens, n, draft) => {
  expect(lookUpDraft(tokens, n)).toEqual(draft);
});

property.prop([fc.array(fc.nat(2), { maxLength: 60 }), fc.nat(10)])(
  "is a part of the text behind the last two tokens",
  (tokens, n) => {
    const draft = lookUpDraft(tokens, n);
    expect(draft.length).toBeLessThanOrEqual(n);
    const text = tokens.join("");
    if (draft.length > 0) expect(text).toContain(`${text.slice(-2)}${draft[0]}`);
  },
);
