import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import {
  type Context,
  createGenerator,
  createScalarModel,
  fingerprintOf,
  type KvTypes,
  loadModel,
  loadWeights,
  SessionError,
  type SourceTensor,
} from "@ll/llama";
import { describe, expect, test } from "vitest";
import { argMax, randomModel, randomTensors, smallConfig, sourceOf } from "../../llama/test/support/hand-made.ts";
import { matchSession, readSession, restoreSession, sessionFileBytes, withLora, writeSession } from "../src/index.ts";
import { pairFor } from "./support/lora-twin.ts";

const TOKENS = [1, 17, 4, 95, 60];
const RNG = "5489 1301868182 624";
const MiB = 1024 * 1024;

async function sessionOf(context: Context, tokens: readonly number[] = TOKENS): Promise<Uint8Array> {
  const logits = await context.evaluate(tokens, 0);
  const sink = memorySink();
  await writeSession(sink, context, { tokens, rng: RNG, logits });
  return sink.bytes();
}

const model = await randomModel(smallConfig(), "f16");
const context = await model.createContext({ contextTokens: 32 });
const file = await sessionOf(context);

// where the fields of `file` lie
const N_TOKENS = 8 + 32;
const TOKEN_LIST = N_TOKENS + 4;
const RNG_LENGTH = TOKEN_LIST + 4 * TOKENS.length;
const LOGITS = RNG_LENGTH + 8 + 65536;
const EMBEDDING = LOGITS + 16 + 4 * 96;
const KV = EMBEDDING + 8;

function changed(offset: number, ...bytes: number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, offset);
  return copy;
}

describe("layout", () => {
  const view = new DataView(file.buffer);

  test("has the size that is told beforehand", () => {
    expect(file.byteLength).toBe(sessionFileBytes(context, TOKENS.length));
  });

  test("magic, version and the eight hyper-parameters of build 803, context size included", () => {
    const words = Array.from({ length: 10 }, (_, i) => view.getUint32(4 * i, true));
    expect(words).toEqual([0x6767736e, 1, 96, 32, 64, 32, 4, 2, 16, 0]);
  });

  test("random state in a zero-padded block of 64 KiB", () => {
    expect(view.getBigUint64(RNG_LENGTH, true)).toBe(BigInt(RNG.length));
    const block = file.subarray(RNG_LENGTH + 8, LOGITS);
    expect(new TextDecoder().decode(block.subarray(0, RNG.length))).toBe(RNG);
    expect(block.subarray(RNG.length, -8).every((byte) => byte === 0)).toBe(true);
  });

  test("the cache's size is that of the whole context and 2 MiB", () => {
    expect(view.getBigUint64(KV, true)).toBe(BigInt(2 * 2 * 32 * 64 * 2 + 2 * MiB));
    expect(view.getUint32(KV + 8, true)).toBe(TOKENS.length);
  });

  test("has thirteen hyper-parameters if epsilon, RoPE or head sharing are not those of build 803", async () => {
    const config = { ...smallConfig({ nKvHeads: 2, ropeFreqBase: 20000 }), nVocab: 96 };
    const other = await (await randomModel(config)).createContext({ contextTokens: 32 });
    const bytes = await sessionOf(other);
    const words = new DataView(bytes.buffer);
    const integers = Array.from({ length: 8 }, (_, i) => words.getUint32(8 + 4 * i, true));
    const floats = Array.from({ length: 4 }, (_, i) => words.getFloat32(40 + 4 * i, true));
    expect(integers).toEqual([96, 32, 64, 32, 4, 2, 2, 16]);
    expect(floats).toEqual([1, Math.fround(1e-6), 20000, 1]);
    expect(words.getUint32(56, true)).toBe(0); // ftype
    expect(words.getUint32(60, true)).toBe(TOKENS.length);
    expect(bytes.byteLength).toBe(sessionFileBytes(other, TOKENS.length));
    expect((await readSession(memorySource(bytes), other)).tokens).toEqual(TOKENS);
  });
});

describe("round trip", () => {
  test("gives back all parts", async () => {
    const session = await readSession(memorySource(file), context);
    expect(session.tokens).toEqual(TOKENS);
    expect(session.rng).toBe(RNG);
    expect(session.logits).toEqual(await context.evaluate(TOKENS, 0));
    expect(session.embedding.length).toBe(0);
    expect(session.kv).toEqual(await context.readKv(TOKENS.length));
  });

  test.each<[string, KvTypes]>([
    ["f16", "f16"],
    ["f32", "f32"],
    ["q8_0", "q8_0"],
    ["mixed", { k: "q8_0", v: "f16" }],
  ])("a text goes on as if it had never been interrupted (%s cache)", async (_, kvType) => {
    const options = { contextTokens: 32, kvType };
    const next = async (generator: ReturnType<typeof createGenerator>, n: number): Promise<number[]> => {
      const ids: number[] = [];
      for (let i = 0; i < n; i++) {
        await generator.evaluatePending();
        ids.push(generator.sample());
      }
      return ids;
    };
    const whole = createGenerator(await model.createContext(options), { sampler: argMax, session: { tokens: [] } });
    whole.accept(TOKENS);
    const ids = await next(whole, 10);

    const first = await model.createContext(options);
    const bytes = await sessionOf(first, [...TOKENS, ...ids.slice(0, 5)]);
    const second = await model.createContext(options);
    const session = await readSession(memorySource(bytes), second);
    await restoreSession(second, session);
    const prompt = [...TOKENS, ...ids.slice(0, 5)];
    const { nMatching, tokens } = matchSession(session.tokens, prompt);
    expect(nMatching).toBe(10);
    const resumed = createGenerator(second, { sampler: argMax, session: { tokens } });
    resumed.accept(prompt);
    expect(await next(resumed, 5)).toEqual(ids.slice(5));
  });

  test("an embedding, as other programs may write one, is read", async () => {
    const bytes = new Uint8Array(file.byteLength + 256);
    bytes.set(file.subarray(0, EMBEDDING));
    bytes.set([64], EMBEDDING);
    bytes.set(file.subarray(KV), KV + 256);
    expect((await readSession(memorySource(bytes), context)).embedding.length).toBe(64);
  });
});

describe("match with a prompt", () => {
  test.each([
    ["a longer prompt", [1, 2], [1, 2, 3], 2, [1, 2]],
    ["another prompt", [1, 2, 3], [1, 5, 3], 1, [1, 2, 3]],
    ["a shorter prompt: its last token is evaluated again", [1, 2, 3, 4], [1, 2, 3], 3, [1, 2]],
    ["the same prompt: its last token is evaluated again", [1, 2, 3], [1, 2, 3], 3, [1, 2]],
    ["no session", [], [1], 0, []],
    ["no prompt", [1], [], 0, [1]],
  ])("%s", (_, session, prompt, nMatching, tokens) => {
    expect(matchSession(session, prompt)).toEqual({ nMatching, tokens });
  });

  test("compat leaves a session of exactly the prompt alone, as build 803 did", () => {
    expect(matchSession([1, 2, 3], [1, 2, 3], { compat: true })).toEqual({ nMatching: 3, tokens: [1, 2, 3] });
    expect(matchSession([1, 2, 3, 4], [1, 2, 3], { compat: true }).tokens).toEqual([1, 2]);
  });
});

describe("refuses", () => {
  async function expectRefusal(bytes: Uint8Array, code: string, field: string, shape = context): Promise<void> {
    const refusal = expect.objectContaining({ name: "SessionError", code, field });
    await expect(readSession(memorySource(bytes), shape)).rejects.toThrow(refusal);
  }

  test("SS01 another magic", () => expectRefusal(changed(0, 0), "E_SESSION_MAGIC", "magic"));
  test("SS01 another version", () => expectRefusal(changed(4, 2), "E_SESSION_VERSION", "version"));

  test.each([0, 1, 2, 3, 4, 5, 6, 7])("SS01 another hyper-parameter %i", (i) =>
    expectRefusal(changed(8 + 4 * i, 77), "E_SESSION_HPARAMS", `hparams[${i}]`),
  );

  test("SS01 a session of another context size", async () => {
    const longer = await model.createContext({ contextTokens: 64 });
    await expectRefusal(file, "E_SESSION_HPARAMS", "hparams[1]", longer);
  });

  test("a session of the same model with another epsilon", async () => {
    const other = await (await randomModel(smallConfig({ rmsNormEps: 1e-5 }), "f16")).createContext({
      contextTokens: 32,
    });
    await expectRefusal(file, "E_SESSION_HPARAMS", "hparams[5]", other);
    await expectRefusal(await sessionOf(other), "E_SESSION_HPARAMS", "hparams[5]");
  });

  test("SS01 a cache of the other type", async () => {
    const f32 = await model.createContext({ contextTokens: 32, kvType: "f32" });
    await expectRefusal(file, "E_SESSION_KV_TYPE", "kv_buffer_bytes", f32);
    await expectRefusal(await sessionOf(f32), "E_SESSION_KV_TYPE", "kv_buffer_bytes");
    const q8 = await model.createContext({ contextTokens: 32, kvType: "q8_0" });
    await expectRefusal(await sessionOf(q8), "E_SESSION_KV_TYPE", "kv_buffer_bytes");
    // of the same size
    const [a, b] = [{ k: "q8_0", v: "f16" } as const, { k: "f16", v: "q8_0" } as const];
    const mixed = await sessionOf(await model.createContext({ contextTokens: 32, kvType: a }));
    const other = await model.createContext({ contextTokens: 32, kvType: b });
    await expectRefusal(mixed, "E_SESSION_MODEL", "fingerprint", other);
  });

  test("SS02 more tokens than the context has", async () => {
    await expectRefusal(changed(N_TOKENS, 33), "E_RANGE", "n_tokens");
    await expectRefusal(changed(N_TOKENS, 0xf0, 0xff, 0xff, 0xff), "E_RANGE", "n_tokens");
  });

  test("SS02 ids outside the vocabulary", async () => {
    await expectRefusal(changed(TOKEN_LIST + 8, 96), "E_RANGE", "tokens[2]");
    await expectRefusal(changed(TOKEN_LIST + 8, 255, 255, 255, 255), "E_RANGE", "tokens[2]");
  });

  test("SS03 a random state longer than its block", () =>
    expectRefusal(changed(RNG_LENGTH, 1, 0, 1), "E_MISMATCH", "rng_len"));

  test("SS03 other numbers of logits", async () => {
    await expectRefusal(changed(LOGITS, 97), "E_MISMATCH", "logits_capacity");
    await expectRefusal(changed(LOGITS + 8, 95), "E_MISMATCH", "logits_count");
    await expectRefusal(changed(LOGITS, 255, 255, 255, 255, 255, 255, 255, 255), "E_OVERFLOW", "logits_capacity");
  });

  test("an embedding of another size", () => expectRefusal(changed(EMBEDDING, 63), "E_MISMATCH", "embedding_count"));

  test("SS03 another size of the cache", async () => {
    await expectRefusal(changed(KV, 1), "E_MISMATCH", "kv_buffer_bytes");
    await expectRefusal(changed(KV + 8, 4), "E_MISMATCH", "kv_tokens");
  });

  test("SS04 every prefix and a byte too many", async () => {
    // all short ones, and then every 997th
    for (let length = 0; length < file.byteLength; length += length < 100 ? 1 : 997) {
      const refusal = expect.objectContaining({ name: "SessionError", code: "E_TRUNC" });
      await expect(readSession(memorySource(file.slice(0, length)), context)).rejects.toThrow(refusal);
    }
    const trailing = new Uint8Array(file.byteLength + 1);
    trailing.set(file);
    await expect(readSession(memorySource(trailing), context)).rejects.toThrow(
      expect.objectContaining({ code: "E_TRAILING" }),
    );
  });

  test("SS05 without touching the context: it goes on as before", async () => {
    const expected = await context.evaluate([9], TOKENS.length);
    for (const bytes of [changed(0, 0), changed(N_TOKENS, 33), changed(KV, 1), file.slice(0, -1)]) {
      await expect(readSession(memorySource(bytes), context)).rejects.toThrow(SessionError);
    }
    expect(await context.evaluate([9], TOKENS.length)).toEqual(expected);
  });
});

test("writing passes on the error of its sink", async () => {
  const full: ByteSink = {
    bytesWritten: 0,
    async write() {
      throw new Error("disk full");
    },
  };
  const state = { tokens: TOKENS, rng: RNG, logits: new Float32Array(96) };
  await expect(writeSession(full, context, state)).rejects.toThrow("disk full");
});

describe("of which model", () => {
  const options = { contextTokens: 32 };
  const fileOf = async (seed: number, type = "f16") => {
    const other = await (await randomModel(smallConfig(), type, seed)).createContext(options);
    return { other, bytes: await sessionOf(other) };
  };

  test("other weights of the same shapes are another model", async () => {
    const { other, bytes } = await fileOf(99);
    await expect(readSession(memorySource(bytes), context)).rejects.toMatchObject({
      code: "E_SESSION_MODEL",
      field: "fingerprint",
    });
    await expect(readSession(memorySource(file), other)).rejects.toMatchObject({ code: "E_SESSION_MODEL" });
    expect((await readSession(memorySource(bytes), other)).isOfKnownModel).toBe(true);
  });

  test("other types are another model; the same weights again are not", async () => {
    await expect(readSession(memorySource((await fileOf(1, "q8_0")).bytes), context)).rejects.toThrow(SessionError);
    const again = await (await randomModel(smallConfig(), "f16")).createContext(options);
    expect((await readSession(memorySource(file), again)).tokens).toEqual(TOKENS);
  });

  test("the same weights in another arithmetic are another model", async () => {
    const { config } = context;
    const weights = await loadWeights(sourceOf(config, randomTensors(config), "f16"), config);
    const [then, today] = await Promise.all(
      (["build803", "lanes"] as const).map((arithmetic) =>
        createScalarModel(weights, { arithmetic }).createContext(options),
      ),
    );
    const bytes = await sessionOf(today!);
    expect((await readSession(memorySource(bytes), today!)).isOfKnownModel).toBe(true);
    await expect(readSession(memorySource(bytes), then!)).rejects.toMatchObject({ code: "E_SESSION_MODEL" });
  });

  test("the cache's type is told before the weights", async () => {
    const f32 = await model.createContext({ ...options, kvType: "f32" });
    await expect(readSession(memorySource(file), f32)).rejects.toMatchObject({ code: "E_SESSION_KV_TYPE" });
  });

  test("a file without a fingerprint, as build 803 writes it, is taken, and says so", async () => {
    const sink = memorySink();
    const logits = await context.evaluate(TOKENS, 0);
    await writeSession(sink, context, { tokens: TOKENS, rng: RNG, logits, compat: true });
    const bytes = sink.bytes();
    const end = LOGITS - 8;
    expect(bytes.subarray(end, LOGITS).every((byte) => byte === 0)).toBe(true);
    const { other } = await fileOf(99);
    expect(await readSession(memorySource(bytes), other)).toMatchObject({ tokens: TOKENS, isOfKnownModel: false });
    const filled = file.slice();
    filled.fill(0, end, LOGITS);
    expect(filled).toEqual(bytes);
  });

  test("all engines agree", async () => {
    const source = sourceOf(smallConfig(), randomTensors(smallConfig()), "f16");
    const scalar = createScalarModel(await loadWeights(source, smallConfig()));
    for (const threads of [1, 2]) {
      const team = await loadModel(source, smallConfig(), { threads });
      expect(team.fingerprint).toBe(scalar.fingerprint);
      await team.dispose();
    }
  });

  test("every tensor counts; an adapter makes another model", async () => {
    const config = smallConfig();
    const source = sourceOf(config, randomTensors(config), "f16");
    const whole = await fingerprintOf(source);
    for (const name of source.names()) {
      const read = async (offset: number, target: Uint8Array): Promise<void> => {
        await source.tensor(name)!.read(offset, target);
        for (const [i, byte] of target.entries()) target[i] = byte ^ (i % 6 === 1 ? 0x80 : 0);
      };
      const tensor = (one: string): SourceTensor | undefined =>
        one === name ? { ...source.tensor(name)!, read } : source.tensor(one);
      expect(await fingerprintOf({ names: () => source.names(), tensor }), name).not.toBe(whole);
    }
    const pairs = [pairFor("norm.weight", [1, config.nEmbd], 2)];
    expect(await fingerprintOf(withLora(source, { r: 1, alpha: 1, pairs }))).not.toBe(whole);
  });
});
