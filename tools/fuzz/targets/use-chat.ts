// Saved conversations, resumed for a turn; and templates, by which one is written.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEMPLATES } from "@ll/chat/templates";
import { createRng } from "@ll/sampling";
import { parseTemplate } from "../../../apps/cli/src/commands/chat/template.ts";
import { ALLOWANCE_BYTES, asProgram, chatOver, oneTurn, soundModel } from "./small-engine.ts";

const folder = mkdtempSync(join(tmpdir(), "ll-fuzz-"));
const path = join(folder, "chat.json");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const templates = TEMPLATES.map((template) => JSON.stringify(template));
const saved = templates.slice(0, 3).map((template) =>
  JSON.stringify({
    program: "ll-chat",
    version: 1,
    template: JSON.parse(template),
    system: "ab",
    settings: [
      ["temp", "0.5"],
      ["logit-bias", "4+1"],
    ],
    seed: 1,
    rng: createRng(1).exportState(),
    turns: [
      { user: "a", answer: " ab", ids: [8] },
      { user: "b", answer: "a b", ids: [1, 2] },
    ],
  }),
);

export const seeds: readonly Uint8Array[] = [...templates, ...saved].map((text) => new TextEncoder().encode(text));
export const dictionary: readonly string[] = [
  "{text}",
  "{system}",
  "{bos}",
  "{eos}",
  '"stop":[',
  '"special":[',
  "\\u0000",
  "1e9",
  "-1",
  "n-predict",
  "system",
  "top-k",
  "mirostat",
  "repeat-last-n",
];
export const maxBytes: number = 32 * 1024;
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const { model, tokenizer } = await soundModel();
    const context = await model.createContext({ contextTokens: 256 });
    const text = new TextDecoder().decode(data);
    if (!text.includes('"ll-chat"')) {
      await oneTurn(chatOver(context, tokenizer, parseTemplate(text, "template")));
      return;
    }
    writeFileSync(path, data);
    const chat = chatOver(context, tokenizer);
    await chat.load(path);
    await oneTurn(chat);
  });
}
