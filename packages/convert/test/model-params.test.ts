import { expect, test } from "vitest";
import { unstoredParams } from "../src/model-params.ts";

const LLAMA = { nVocab: 32000, nEmbd: 4096, nMult: 256, nHeads: 32, nKvHeads: 32, nLayers: 32 };

test.each([
  ["nothing known", {}, {}],
  ["the values that readers assume", { normEps: 1e-6, ropeFreqBase: 10000, ropeFreqScale: 1 }, {}],
  ["an eps that is 1e-6 as binary32", { normEps: 9.999999974752427e-7 }, {}],
  ["another eps", { normEps: 1e-5 }, { normEps: 1e-5 }],
  ["grouped queries", { nKvHeads: 4 }, { queriesPerKvHead: 8 }],
  ["another rotary base", { ropeFreqBase: 1e6 }, { ropeFreqBase: 1e6 }],
  ["stretched positions", { ropeFreqScale: 0.25 }, { ropeFreqScale: 0.25 }],
  ["undefined members", { normEps: undefined, ropeFreqBase: undefined, ropeFreqScale: undefined }, {}],
])("%s", (_name, params, expected) => {
  expect(unstoredParams({ ...LLAMA, ...params })).toEqual(expected);
});
