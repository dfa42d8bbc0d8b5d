// Session files of ll-main.

import { memorySink, memorySource } from "@ll/bytes";
import { type Context, configFromGgml } from "@ll/llama";
import { readSession, type SessionShape, writeSession } from "@ll/model";

const config = configFromGgml({ nVocab: 16, nEmbd: 8, nMult: 8, nHead: 2, nLayer: 1, nRot: 4, ftype: 0 });

/** A file of `nTokens` tokens for a context that is asked for nothing but its cache. */
async function sessionOf(shape: SessionShape, nTokens: number): Promise<Uint8Array> {
  const context = { ...shape, readKv: async () => new Uint8Array(nTokens * 16 * (shape.kvType === "f16" ? 2 : 4)) };
  const sink = memorySink();
  const tokens = Array.from({ length: nTokens }, (_, i) => i + 1);
  await writeSession(sink, context as unknown as Context, { tokens, rng: "1 2 3", logits: new Float32Array(16) });
  return new Uint8Array(sink.bytes());
}

const SHAPE = { config, contextTokens: 8, memory: { kind: "positions" } } as const;
const f16: SessionShape = { ...SHAPE, kvType: "f16", arithmetic: "build803" };
const f32: SessionShape = { ...SHAPE, kvType: "f32", arithmetic: "lanes" };

export const seeds: readonly Uint8Array[] = [
  await sessionOf(f16, 3),
  await sessionOf(f16, 0),
  await sessionOf(f16, 8),
  await sessionOf(f32, 3),
];
/** The text of the random state fills 64 KiB. */
export const maxBytes: number = 72 * 1024;

export function fuzz(data: Uint8Array): Promise<unknown> {
  return readSession(memorySource(data), f16);
}
