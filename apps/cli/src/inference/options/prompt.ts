// Options about the text to start with, and the one to keep away from.

import { flagRow, valueRow } from "../../option-rows.ts";
import { withFile, withoutFinalNewline } from "../../text-input.ts";
import type { RunOption } from "./option.ts";

const GROUP = "Prompt";

export const PROMPT_OPTIONS: readonly RunOption[] = [
  valueRow(
    GROUP,
    ["--prompt", "-p"],
    "text",
    { placeholder: "TEXT", help: "prompt to start with; - reads standard input", default: "empty" },
    async (p, v) => {
      // build 803 took it for a text
      const isText = v.text !== "-" || p.compat;
      p.prompt = isText ? new TextEncoder().encode(v.text) : withoutFinalNewline(await withFile(new Uint8Array(0), v));
    },
  ),
  valueRow(
    GROUP,
    ["--file", "-f"],
    "path",
    { placeholder: "FILE", help: "append a file to the prompt; - reads standard input" },
    async (p, v) => {
      p.prompt = withoutFinalNewline(await withFile(p.prompt, v));
    },
  ),
  flagRow(GROUP, ["--escape", "-e"], "process \\n \\r \\t \\' \\\" \\\\ in prompt, prefix and suffix", (p) => {
    p.escape = true;
  }),
  flagRow(GROUP, ["--random-prompt"], "start with a random word", (p) => {
    p.randomPrompt = true;
  }),
  valueRow(
    GROUP,
    ["--prompt-cache"],
    "path",
    { placeholder: "FILE", help: "keep the evaluated prompt in a session file", default: "none" },
    (p, v) => {
      p.promptCache = v.text;
    },
  ),
  flagRow(GROUP, ["--prompt-cache-all"], "save user input and generated text to the session file as well", (p) => {
    p.promptCacheAll = true;
  }),
  flagRow(GROUP, ["--prompt-cache-ro"], "use the session file but do not write it", (p) => {
    p.promptCacheReadOnly = true;
  }),
  valueRow(
    GROUP,
    ["--keep"],
    "int",
    { placeholder: "N", help: "prompt tokens that stay when the context is full; -1 for all", default: "0" },
    (p, v) => {
      p.keepTokens = v.number;
    },
  ),
  flagRow(GROUP, ["--no-display-prompt"], "begin the text behind the prompt", (p) => {
    p.displayPrompt = false;
  }),
  flagRow(GROUP, ["--verbose-prompt"], "print the tokens of the prompt first", (p) => {
    p.verbosePrompt = true;
  }),
  valueRow(
    GROUP,
    ["--cfg-negative-prompt"],
    "text",
    { placeholder: "TEXT", help: "prompt that guidance leads away from", default: "empty" },
    (p, v) => {
      p.negativePrompt = new TextEncoder().encode(v.text);
    },
  ),
  valueRow(
    GROUP,
    ["--cfg-negative-prompt-file"],
    "path",
    { placeholder: "FILE", help: "append a file to the negative prompt" },
    async (p, v) => {
      p.negativePrompt = withoutFinalNewline(await withFile(p.negativePrompt, v));
    },
  ),
  valueRow(
    GROUP,
    ["--cfg-scale"],
    "float",
    { placeholder: "X", help: "strength of guidance; 1 or less is off", default: "1" },
    (p, v) => {
      p.guidanceScale = v.number;
    },
  ),
];
