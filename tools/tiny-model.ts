// The embedded model as the files that the golden recordings were made with, derived from its checkpoint: nothing that can be derived is
// committed.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import { openCheckpoint } from "@ll/checkpoint/node";
import { convertCheckpoint, quantizeModel } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { FTYPES } from "@ll/quant";
import { ggmlVocab, readSentencePieceModel } from "@ll/tokenizer";
import { fixture } from "./test-data.ts";

/** Type of a model file as the recordings name it: `f16`, `q4_0`, … */
export type TinyType = "f16" | "q4_0" | "q4_1" | "q5_0" | "q5_1" | "q8_0";

/** A chat template of few words, so that a small context holds some turns. */
export const SHORT_TEMPLATE = {
  name: "short",
  system: "",
  systemBlock: "{text}\n",
  start: "{bos}{system}",
  user: "Q: {text}\nA:",
  answerEnd: "\n",
  stop: ["\nQ:"],
};

const made = new Map<TinyType, Promise<Uint8Array>>();

/** The bytes of a model file; made once per process. */
export function tinyModel(type: TinyType): Promise<Uint8Array> {
  let bytes = made.get(type);
  if (bytes === undefined) {
    bytes = type === "f16" ? convert() : quantize(type);
    made.set(type, bytes);
  }
  return bytes;
}

async function convert(): Promise<Uint8Array> {
  const checkpoint = await openCheckpoint(fixture("tiny/hf"));
  const vocab = ggmlVocab(readSentencePieceModel(new Uint8Array(readFileSync(fixture("tiny/hf/tokenizer.model")))));
  const sink = memorySink();
  const { params, tensors } = checkpoint;
  await convertCheckpoint({ params, tensors, vocab, outType: "f16", container: 1 }, sink);
  await checkpoint.close();
  const expected = JSON.parse(readFileSync(fixture("tiny/golden/tiny-convert.json"), "utf8"));
  const recorded = expected.cases.find((one: { input: string }) => one.input === "models/tiny/hf").sha256["ggjt-v1"];
  return assertSha256(sink.bytes(), recorded, "f16");
}

async function quantize(type: TinyType): Promise<Uint8Array> {
  const file = await openGgml(memorySource(await tinyModel("f16")));
  const ftype = FTYPES.find(({ name }) => name.toLowerCase() === type);
  if (ftype === undefined) throw new RangeError(`no file type ${type}`);
  const sink = memorySink();
  await quantizeModel(file, sink, { ftype: ftype.id });
  const expected = JSON.parse(readFileSync(fixture("tiny/golden/tiny-quantize.json"), "utf8"));
  return assertSha256(sink.bytes(), expected.cases.find((one: { type: string }) => one.type === type).sha256, type);
}

/** A derived file that is not the recorded one would make every test that uses it fail for no visible reason. */
function assertSha256(bytes: Uint8Array, expected: string, type: string): Uint8Array {
  const got = createHash("sha256").update(bytes).digest("hex");
  if (got !== expected) throw new Error(`derived ${type} model has sha256 ${got}, recorded is ${expected}`);
  return bytes;
}
