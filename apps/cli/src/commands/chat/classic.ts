// `--classic`: the dialogue that examples/chat.sh of llama.cpp build 803 set up. It is ll-main that runs it: a transcript of User
// and Bob, which the reverse prompt hands to the user, and whose introduction stays when the context is full.

import type { Io } from "../../command.ts";
import { openTokenizer } from "../../tokenizer-input.ts";
import { mainCommand } from "../main/index.ts";
import type { ChatParams } from "./options.ts";
import { loadTemplate } from "./template.ts";

/** What the script gave to `main`. */
const SCRIPT_OPTIONS = [
  "-c",
  "512",
  "-b",
  "1024",
  "-n",
  "256",
  "--repeat_penalty",
  "1.0",
  "--color",
  "-i",
  "-r",
  "User:",
];

/**
 * Runs the dialogue to its end.
 * @param given options that were set, here or in the configuration, and that ll-main takes; they win over the script's
 */
export async function runClassic(params: ChatParams, given: readonly string[], io: Io): Promise<number> {
  const { introduction, dialogue } = await transcript(params.system);
  const tokenizer = await openTokenizer(params.model);
  // the script's 48 tokens are BOS, this much of its own text in LLaMA's vocabulary, and two newlines
  const keep = tokenizer.encode(introduction, { prompt: true }).length;
  const prompt = ["--keep", String(keep), "-p", introduction + dialogue];
  return mainCommand("ll-main", [...SCRIPT_OPTIONS, ...prompt, ...given, "-m", params.model], io);
}

/** The text of the plain template, up to where the user has the word. */
async function transcript(system: string | undefined): Promise<{ introduction: string; dialogue: string }> {
  const template = await loadTemplate("plain");
  const introduction = template.systemBlock.replace("{text}", () => system ?? template.system);
  const dialogue = template.start.replace("{bos} ", "").replace("{system}", "");
  return { introduction, dialogue: `${dialogue}User:` };
}
