import { describe, expect, it } from "vitest";
import type { DeclaredParams } from "../src/declared-params.ts";
import { resolveParams, type TensorFacts } from "../src/params.ts";

const facts: TensorFacts = { file: "m", nVocab: 32000, nEmbd: 8192, nLayers: 80, nFf: 28672, nKvRows: 1024 };
const declared: DeclaredParams = {
  origin: "params.json",
  file: "params.json",
  nEmbd: 8192,
  nHeads: 64,
  nKvHeads: 8,
  nLayers: 80,
  nMult: 4096,
  ffnDimMultiplier: 1.3,
  unknownFields: [],
};

describe("resolveParams", () => {
  it("keeps the n_mult of the 70B model, whose factor loaders know", () => {
    expect(resolveParams(declared, facts)).toMatchObject({ nMult: 4096, nKvHeads: 8, ffnDimMultiplier: 1.3 });
  });

  it("finds another n_mult for a factor that loaders do not know", () => {
    const other = resolveParams({ ...declared, nLayers: 40 }, { ...facts, nLayers: 40 });
    expect(other.nMult).toBe(7168);
  });

  it("takes the number of key heads from the tensors where nothing is declared", () => {
    const { nKvHeads: _, ...silent } = declared;
    expect(resolveParams(silent, facts).nKvHeads).toBe(8);
    expect(() => resolveParams(silent, { ...facts, nKvRows: 1000 })).toThrow(
      expect.objectContaining({ code: "E_SHAPE" }),
    );
  });

  it("says what was looked for if no n_mult fits", () => {
    const { nMult: _, ...silent } = declared;
    expect(() => resolveParams(silent, { ...facts, nFf: 28001 })).toThrow(
      /failed to find n_mult for \(n_ff=28001, n_embd=8192\)\./,
    );
  });

  it("guesses heads of 128 values and n_mult 256", () => {
    const guessed = resolveParams(undefined, { ...facts, nEmbd: 4096, nFf: 11008, nKvRows: 4096, nLayers: 32 });
    expect(guessed).toMatchObject({ nHeads: 32, nKvHeads: 32, nMult: 256, origin: "guess" });
  });
});
