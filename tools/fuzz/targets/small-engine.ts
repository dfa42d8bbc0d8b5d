// A model of one layer that is 32 wide, as files that are damaged, and what the programs do with one: open it, encode a text, evaluate,
// draw a token, take a turn of a chat. What ends a program with the exit code of a bug is a find.

import { type ByteSource, memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { metadataGetter, openGguf } from "@ll/gguf";
import {
  type Context,
  configFromGgml,
  configFromGguf,
  createScalarModel,
  loadModel,
  loadWeights,
  type Model,
  type ModelConfig,
  type TensorSource,
} from "@ll/llama";
import { ggufTokenizer } from "@ll/model";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { type Chat, createChat } from "../../../apps/cli/src/commands/chat/chat.ts";
import { defaultChatParams } from "../../../apps/cli/src/commands/chat/options.ts";
import type { PatternTemplate } from "../../../apps/cli/src/commands/chat/template.ts";
import { openSampler } from "../../../apps/cli/src/commands/main/chain.ts";
import { ExitCode, exitCodeOf } from "../../../apps/cli/src/exit-codes.ts";
import { ggmlBytes, type RawTensor } from "../../../packages/ggml-format/test/ggml-bytes.ts";
import {
  ARRAY,
  array,
  F32,
  f32,
  ggufBytes,
  I32,
  STRING,
  text,
  U32,
  u32,
} from "../../../packages/gguf/test/support/gguf-bytes.ts";

/** Bytes that an engine may ask for at once, however small its file is: tables of kernels and codecs. */
export const ALLOWANCE_BYTES: number = 32 * 1024 * 1024;

/** Tokens of a context: so few that every one is soon full. */
const CONTEXT_TOKENS = 48;
const DRAWN_TOKENS = 4;

const WORDS = ["\u2047", "", "", " ", "a", "b", "ab", " a", " ab", "\n", ":", "\u00e4", "User", "#"];
const N_VOCAB = 40;
const TYPES = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } as const;

/** Names of Meta and of GGUF, with rows and columns; vectors have no rows. */
const TENSORS: readonly (readonly [meta: string, gguf: string, rows: number | undefined, columns: number])[] = [
  ["tok_embeddings", "token_embd", N_VOCAB, 32],
  ["norm", "output_norm", undefined, 32],
  ["output", "output", N_VOCAB, 32],
  ["layers.0.attention_norm", "blk.0.attn_norm", undefined, 32],
  ["layers.0.attention.wq", "blk.0.attn_q", 32, 32],
  ["layers.0.attention.wk", "blk.0.attn_k", 32, 32],
  ["layers.0.attention.wv", "blk.0.attn_v", 32, 32],
  ["layers.0.attention.wo", "blk.0.attn_output", 32, 32],
  ["layers.0.ffn_norm", "blk.0.ffn_norm", undefined, 32],
  ["layers.0.feed_forward.w1", "blk.0.ffn_gate", 96, 32],
  ["layers.0.feed_forward.w2", "blk.0.ffn_down", 32, 96],
  ["layers.0.feed_forward.w3", "blk.0.ffn_up", 96, 32],
];

/** Values near 0, whatever the type: bytes of exponents are small. */
function weightBytes(type: number, rows: number, columns: number, seed: number): Uint8Array {
  const nBytes =
    rows *
    (type === TYPES.f32
      ? 4 * columns
      : type === TYPES.f16
        ? 2 * columns
        : (columns / 32) * (type === TYPES.q4_0 ? 18 : 34));
  const bytes = Uint8Array.from({ length: nBytes }, (_, i) => (i * 73 + seed * 151) & 0xff);
  const view = new DataView(bytes.buffer);
  if (type === TYPES.f32)
    for (let i = 0; i < nBytes; i += 4) view.setFloat32(i, (((i * 7 + seed) % 31) - 15) / 16, true);
  if (type === TYPES.f16) for (let i = 1; i < nBytes; i += 2) bytes[i] = 0x28 | ((bytes[i] as number) & 0x83);
  const block = type === TYPES.q4_0 ? 18 : type === TYPES.q8_0 ? 34 : 0;
  if (block > 0) for (let i = 0; i < nBytes; i += block) view.setUint16(i, type === TYPES.q4_0 ? 0x2c00 : 0x1c00, true);
  return bytes;
}

const FTYPES: Readonly<Record<number, number>> = { 0: 0, 1: 1, 2: 2, 8: 7 };

function wordOf(id: number): string {
  return WORDS[id] ?? `x${id}`;
}

export function ggjtModel(type: keyof typeof TYPES = "q4_0"): Uint8Array {
  const typeId = TYPES[type];
  const tensors = TENSORS.map(([meta, , rows, columns], i): RawTensor => {
    const own = rows === undefined ? TYPES.f32 : typeId;
    const ne = rows === undefined ? [columns] : [columns, rows];
    return { name: `${meta}.weight`, type: own, ne, data: weightBytes(own, rows ?? 1, columns, i) };
  });
  const vocab = Array.from({ length: N_VOCAB }, (_, id) => ({ text: wordOf(id), score: -id }));
  return ggmlBytes({ hyper: [undefined, 32, 32, 2, 1, 16, FTYPES[typeId]], vocab, tensors });
}

export function ggufModel(type: keyof typeof TYPES = "q4_0"): Uint8Array {
  const typeId = TYPES[type];
  const number = (key: string, value: number) => ({ key, type: U32, value: u32(value) });
  const ids = Array.from({ length: N_VOCAB }, (_, id) => id);
  const tokens = ids.map((id) =>
    text(id < 3 ? (["<unk>", "<s>", "</s>"][id] as string) : wordOf(id).replaceAll(" ", "\u2581")),
  );
  return ggufBytes({
    pairs: [
      { key: "general.architecture", type: STRING, value: text("llama") },
      number("llama.block_count", 1),
      number("llama.context_length", 64),
      number("llama.embedding_length", 32),
      number("llama.feed_forward_length", 96),
      number("llama.attention.head_count", 2),
      { key: "llama.attention.layer_norm_rms_epsilon", type: F32, value: f32(1e-6) },
      { key: "llama.rope.freq_base", type: F32, value: f32(10000) },
      { key: "tokenizer.ggml.model", type: STRING, value: text("llama") },
      number("tokenizer.ggml.eos_token_id", 2),
      { key: "tokenizer.ggml.tokens", type: ARRAY, value: array(STRING, tokens) },
      {
        key: "tokenizer.ggml.scores",
        type: ARRAY,
        value: array(
          F32,
          ids.map((id) => f32(-id)),
        ),
      },
      {
        key: "tokenizer.ggml.token_type",
        type: ARRAY,
        value: array(
          I32,
          ids.map((id) => u32([2, 3, 3][id] ?? 1)),
        ),
      },
    ],
    tensors: TENSORS.map(([, gguf, rows, columns], i) => {
      const own = rows === undefined ? TYPES.f32 : typeId;
      const ne = rows === undefined ? [columns] : [columns, rows];
      return { name: `${gguf}.weight`, type: own, ne, data: weightBytes(own, rows ?? 1, columns, i) };
    }),
  });
}

export interface Opened {
  readonly tensors: TensorSource;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
}

export async function openModel(source: ByteSource): Promise<Opened> {
  const head = new Uint8Array(Math.min(4, source.byteLength));
  await source.read(0, head);
  if (new TextDecoder("latin1").decode(head) === "GGUF") {
    const file = await openGguf(source);
    const config = configFromGguf(metadataGetter(file.metadata), {}, file.name);
    const tokenizer = await ggufTokenizer(file, { nVocab: config.nVocab });
    return { tensors: file, config, tokenizer };
  }
  const file = await openGgml(source);
  const config = configFromGgml(file.hyperParams);
  return { tensors: file, config, tokenizer: createTokenizer(file.vocab, { nVocab: config.nVocab }) };
}

/** On the kernels if `fast`, else on the readable engine. */
export async function load({ tensors, config }: Pick<Opened, "tensors" | "config">, fast: boolean): Promise<Model> {
  return fast ? loadModel(tensors, config, { threads: 1 }) : createScalarModel(await loadWeights(tensors, config));
}

/** What ll-main does: a prompt, and a few tokens by a few chains. */
export async function runMain(model: Model, tokenizer: Tokenizer): Promise<Context> {
  const context = await model.createContext({ contextTokens: CONTEXT_TOKENS });
  const prompt = tokenizer.encode("a ab:\u00e4\n\u{1f999}", { prompt: true }).slice(0, CONTEXT_TOKENS - 8);
  const tokens = prompt.length > 0 ? [...prompt] : [0];
  let logits = await context.evaluate(tokens, 0);
  const chains = [{}, { temperature: 0 }, { mirostat: 2, penalizeNewline: false }, { mirostat: 1, dryMultiplier: 0.8 }];
  for (const [seed, chain] of chains.slice(0, DRAWN_TOKENS).entries()) {
    const params = { ...defaultChatParams(), ...chain };
    const parts = { seed, nVocab: model.config.nVocab, tokenizer, guidance: undefined, grammar: undefined };
    const id = openSampler(params, parts).sample(logits, tokens);
    tokenizer.tokenBytes(id);
    tokens.push(id);
    logits = await context.evaluate([id], tokens.length - 1);
  }
  return context;
}

const PLAIN: PatternTemplate = {
  system: "ab",
  systemBlock: "{text}\n",
  start: "{bos} {system}",
  user: "User: {text}\n",
  answerEnd: "{eos}",
  stop: ["#"],
  special: [],
};

export function chatOver(context: Context, tokenizer: Tokenizer, template: PatternTemplate = PLAIN): Chat {
  const params = { ...defaultChatParams(), seed: 1, contextTokens: CONTEXT_TOKENS };
  return createChat({ context, tokenizer, params, settings: [], template, now: () => 0 });
}

/** One turn, of which a few tokens are enough. */
export async function oneTurn(chat: Chat): Promise<void> {
  const control = new AbortController();
  const onToken = (tokens: number): void => {
    if (tokens >= DRAWN_TOKENS) control.abort();
  };
  await chat.ask("a b", { onText: () => undefined, onToken, signal: control.signal });
}

/** Refusals are fine. @throws what would end a program as a bug */
export async function asProgram(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (exitCodeOf(error) === ExitCode.internal) throw error;
  }
}

/** All that is done with a model file. */
export async function useModel(data: Uint8Array): Promise<void> {
  const opened = await openModel(memorySource(data, "model"));
  const model = await load(opened, isForKernels(data));
  try {
    const context = await runMain(model, opened.tokenizer);
    await oneTurn(chatOver(context, opened.tokenizer));
  } finally {
    await model.dispose();
  }
}

/** Half of the inputs go to the kernels, the same ones in every run. */
export function isForKernels(data: Uint8Array): boolean {
  let sum = data.length;
  for (let i = 0; i < data.length; i += 3) sum += data[i] as number;
  return sum % 2 === 0;
}

/** A sound model, for targets that damage something else. */
let sound: Promise<Opened & { readonly model: Model }> | undefined;
export function soundModel(): Promise<Opened & { readonly model: Model }> {
  sound ??= openModel(memorySource(ggjtModel())).then(async (opened) => ({
    ...opened,
    model: await load(opened, false),
  }));
  return sound;
}
