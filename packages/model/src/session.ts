// Session files ("ggsn" version 1): the tokens, random state, logits and KV cache of a context, in the layout of llama.cpp
// build 803. A model whose epsilon, RoPE or head sharing differs from that build's gets the longer head of build 1011, so
// that neither takes the other's cache for its own.
//
// The block of the random state has 64 KiB, of which it needs less than 7. Its last 8 bytes say which weights, arithmetic and type of
// cache the session is of; build 803 leaves them zero and does not look at them.

import { feedForwardFactor } from "@ll/architectures";
import { type ByteSink, type ByteSource, createReader, type FormatErrorFields } from "@ll/bytes";
import {
  assertNoState,
  BUILD_803,
  type Context,
  Fnv1a,
  KV_TYPES,
  kvCacheBytes,
  kvTypeName,
  SessionError,
} from "@ll/llama";

const SESSION_MAGIC = 0x6767736e; // "ggsn" read as a little-endian number
const SESSION_VERSION = 1;

/** Size of the block that holds the text of the random state, whatever the text's length. */
const RNG_BLOCK_BYTES = 64 * 1024;

/** At the end of that block. */
const FINGERPRINT_BYTES = 8;

/** What build 803 allocates on top of the cache proper; the sum is a field of the file. */
const KV_OVERHEAD_BYTES = 2 * 1024 * 1024;

/** What a session file holds. */
export interface Session {
  /** Evaluated tokens, one for each cached position. */
  readonly tokens: readonly number[];
  /** State of the sampler's MT19937 engine: 624 decimal words and the position, separated by single spaces. */
  readonly rng: string;
  /** Logits of the last token. */
  readonly logits: Float32Array; // (nVocab)
  /** The last token's normalised vector; empty in every file that build 803's `main` writes. */
  readonly embedding: Float32Array; // (0) or (nEmbd)
  /** Keys (layer, position, channel), then values (layer, channel, position), in the cache's precision. */
  readonly kv: Uint8Array;
  /** What the positions were computed with; 0 if the file does not say. */
  readonly fingerprint: bigint;
  /** False if the file does not say which weights it is of, as no file of build 803 does. */
  readonly isOfKnownModel: boolean;
}

/** The part of a `Context` that decides whether a session file fits it. */
export type SessionShape = Pick<
  Context,
  "config" | "contextTokens" | "kvType" | "fingerprint" | "arithmetic" | "memory"
>;

/** Size of the file that `writeSession` makes for `nTokens` tokens and no embedding. */
export function sessionFileBytes(shape: SessionShape, nTokens: number): number {
  return (
    8 + // magic, version
    4 * headerWords(shape).length +
    4 +
    4 * nTokens +
    8 +
    RNG_BLOCK_BYTES +
    16 + // capacity and count of the logits
    4 * shape.config.nVocab +
    8 + // count of the embedding
    12 + // cache size, cached tokens
    kvCacheBytes(shape.config, nTokens, shape.kvType)
  );
}

/**
 * Writes the context's first `tokens.length` positions with the generator's state. `compat` leaves out which weights they are of, as
 * build 803 does.
 */
export async function writeSession(
  sink: ByteSink,
  context: Context,
  state: {
    readonly tokens: readonly number[];
    readonly rng: string;
    readonly logits: Float32Array;
    readonly compat?: boolean;
  },
): Promise<void> {
  const { tokens, rng, logits, compat = false } = state;
  assertNoState(context.memory);
  const words = headerWords(context);
  const head = new DataView(new ArrayBuffer(8 + 4 * words.length + 4 + 4 * tokens.length));
  let offset = 0;
  for (const word of [SESSION_MAGIC, SESSION_VERSION, ...words, tokens.length, ...tokens]) {
    head.setUint32(offset, word, true);
    offset += 4;
  }
  await sink.write(new Uint8Array(head.buffer));

  const rngBlock = new Uint8Array(8 + RNG_BLOCK_BYTES);
  new DataView(rngBlock.buffer).setBigUint64(0, BigInt(rng.length), true);
  rngBlock.set(new TextEncoder().encode(rng), 8);
  if (!compat) new DataView(rngBlock.buffer).setBigUint64(RNG_BLOCK_BYTES, sessionFingerprint(context), true);
  await sink.write(rngBlock);

  await sink.write(u64(logits.length, logits.length));
  await sink.write(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  await sink.write(u64(0)); // no embedding
  await sink.write(u64(kvBufferBytes(context)));
  await sink.write(new Uint8Array(new Uint32Array([tokens.length]).buffer));
  await sink.write(await context.readKv(tokens.length));
}

/**
 * Reads and checks a whole session file; no context is touched. `restoreSession` puts the result into one.
 * @throws SessionError
 */
export async function readSession(source: ByteSource, shape: SessionShape): Promise<Session> {
  const { config, contextTokens, kvType } = shape;
  assertNoState(shape.memory);
  const reader = createReader(source, { ErrorClass: SessionError });
  const expect = (code: string, field: string, got: number, expected: number, what: string): void => {
    if (got !== expected)
      throw reader.error({ code, field, expected, got, message: `${what}: ${field} is ${got}, expected ${expected}` });
  };
  const expectAtMost = (code: string, field: string, got: number, limit: number): void => {
    if (got > limit)
      throw reader.error({
        code,
        field,
        expected: `at most ${limit}`,
        got,
        message: `${field} is ${got}, at most ${limit} is possible here`,
      });
  };

  expect("E_SESSION_MAGIC", "magic", await reader.u32("magic"), SESSION_MAGIC, "not a session file");
  expect(
    "E_SESSION_VERSION",
    "version",
    await reader.u32("version"),
    SESSION_VERSION,
    "unknown version of session file",
  );
  for (const [index, word] of headerWords(shape).entries()) {
    const field = `hparams[${index}]`;
    expect("E_SESSION_HPARAMS", field, await reader.u32(field), word, "session of another model or context size");
  }

  const nTokens = await reader.u32("n_tokens");
  expectAtMost("E_RANGE", "n_tokens", nTokens, contextTokens);
  const tokenBytes = await reader.bytes(4 * nTokens, "tokens");
  const tokens = [...new Uint32Array(tokenBytes.buffer, 0, nTokens)];
  for (const [index, id] of tokens.entries()) expectAtMost("E_RANGE", `tokens[${index}]`, id, config.nVocab - 1);

  const rngLength = await reader.u64("rng_len");
  expectAtMost("E_MISMATCH", "rng_len", rngLength, RNG_BLOCK_BYTES);
  const rngBlock = await reader.bytes(RNG_BLOCK_BYTES, "rng");
  const rng = new TextDecoder("latin1").decode(rngBlock.subarray(0, rngLength));
  const isFull = rngLength > RNG_BLOCK_BYTES - FINGERPRINT_BYTES;
  const fingerprint = isFull
    ? 0n
    : new DataView(rngBlock.buffer).getBigUint64(RNG_BLOCK_BYTES - FINGERPRINT_BYTES, true);

  expect("E_MISMATCH", "logits_capacity", await reader.u64("logits_capacity"), config.nVocab, "logits of another size");
  expect("E_MISMATCH", "logits_count", await reader.u64("logits_count"), config.nVocab, "logits of another size");
  const logits = floats(await reader.bytes(4 * config.nVocab, "logits"));
  const nEmbedding = await reader.u64("embedding_count");
  if (nEmbedding !== 0) expect("E_MISMATCH", "embedding_count", nEmbedding, config.nEmbd, "embedding of another size");
  const embedding = floats(await reader.bytes(4 * nEmbedding, "embedding"));

  const kvBytes = await reader.u64("kv_buffer_bytes");
  const other = KV_TYPES.find((type) => kvBytes === kvBufferBytes({ config, contextTokens, kvType: type }));
  const what = other ? `cache of type ${other}, this context has ${kvTypeName(kvType)}` : "cache of another size";
  expect(other ? "E_SESSION_KV_TYPE" : "E_MISMATCH", "kv_buffer_bytes", kvBytes, kvBufferBytes(shape), what);
  const otherModel = modelMismatch(fingerprint, shape);
  if (otherModel !== undefined) throw reader.error(otherModel);
  expect("E_MISMATCH", "kv_tokens", await reader.u32("kv_tokens"), nTokens, "cached positions without tokens");
  const kv = await reader.bytes(kvCacheBytes(config, nTokens, kvType), "kv");

  if (reader.remaining > 0) {
    throw reader.error({
      code: "E_TRAILING",
      expected: "end of file",
      got: `${reader.remaining} bytes`,
      message: "session file goes on after its end",
    });
  }
  return { tokens, rng, logits, embedding, kv, fingerprint, isOfKnownModel: fingerprint !== 0n };
}

/**
 * Puts a session's keys and values into a context of the shape it was read for.
 * @throws SessionError `E_SESSION_MODEL` if this context would have made others, as one on the other side of the size at which a model
 * changes its RoPE factors
 */
export async function restoreSession(context: Context, session: Session): Promise<void> {
  const otherModel = modelMismatch(session.fingerprint, context);
  if (otherModel !== undefined) throw new SessionError(otherModel);
  await context.writeKv(session.kv, session.tokens.length);
}

/** How much of a prompt a session holds. */
export interface SessionMatch {
  /** Length of the common prefix of session and prompt. */
  readonly nMatching: number;
  /** The session's tokens for the generator to compare with: cut so that at least one prompt token is evaluated. */
  readonly tokens: readonly number[];
}

/**
 * Compares a session with a prompt. If all of the prompt is in the session, the last token is left to be evaluated again,
 * which gives the logits to go on from. Build 803 forgot this for a session of exactly the prompt's length and then drew the
 * first token from the logits of its warm-up, BOS alone; `compat` restores that.
 */
export function matchSession(
  sessionTokens: readonly number[],
  prompt: readonly number[],
  options: { readonly compat?: boolean } = {},
): SessionMatch {
  let nMatching = 0;
  while (
    nMatching < sessionTokens.length &&
    nMatching < prompt.length &&
    sessionTokens[nMatching] === prompt[nMatching]
  ) {
    nMatching++;
  }
  const isWhole = prompt.length > 0 && nMatching === prompt.length;
  const isExact = sessionTokens.length === prompt.length;
  const cut = isWhole && !(isExact && options.compat === true);
  return { nMatching, tokens: cut ? sessionTokens.slice(0, prompt.length - 1) : sessionTokens };
}

/** The hyper-parameters as words of the file; floats by their bits. They are compared bit by bit. */
function headerWords({ config, contextTokens }: Pick<SessionShape, "config" | "contextTokens">): number[] {
  const { nVocab, nEmbd, nMult, nHeads, nKvHeads, nLayers, nRot, ftype } = config;
  const isBuild803 =
    nKvHeads === nHeads &&
    config.rmsNormEps === BUILD_803.rmsNormEps &&
    config.ropeFreqBase === BUILD_803.ropeFreqBase &&
    config.ropeFreqScale === BUILD_803.ropeFreqScale;
  if (isBuild803) return [nVocab, contextTokens, nEmbd, nMult, nHeads, nLayers, nRot, ftype];
  const multiplier = feedForwardFactor({ nLayers, nHeads, nKvHeads });
  const floatWords = new Float32Array([multiplier, config.rmsNormEps, config.ropeFreqBase, config.ropeFreqScale]);
  return [
    nVocab,
    contextTokens,
    nEmbd,
    nMult,
    nHeads,
    nKvHeads,
    nLayers,
    nRot,
    ...new Uint32Array(floatWords.buffer),
    ftype,
  ];
}

/** What is wrong with a session of this fingerprint in a context. */
function modelMismatch(fingerprint: bigint, shape: SessionShape): FormatErrorFields | undefined {
  const own = sessionFingerprint(shape);
  if (fingerprint === 0n || own === 0n || fingerprint === own) return undefined;
  const message =
    "session of another model or arithmetic: its shape is the same, its weights, their arithmetic, the types of its cache or what the size of the context makes of them are not";
  const [expected, got] = [own.toString(16), fingerprint.toString(16)];
  return { code: "E_SESSION_MODEL", field: "fingerprint", expected, got, message };
}

/** Of what the positions of a session were computed with; 0 if that is not known. */
function sessionFingerprint({ fingerprint, arithmetic, kvType }: SessionShape): bigint {
  if (fingerprint === undefined) return 0n;
  return new Fnv1a().text(fingerprint.toString(16)).text(arithmetic).text(kvTypeName(kvType)).value;
}

/** The size field of the cache as build 803 fills it. */
function kvBufferBytes({ config, contextTokens, kvType }: Omit<SessionShape, "arithmetic" | "memory">): number {
  return kvCacheBytes(config, contextTokens, kvType) + KV_OVERHEAD_BYTES;
}

function u64(...values: number[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);
}

/** `bytes` must be a fresh array that owns its buffer. */
function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, 0, bytes.byteLength / 4);
}
