// Options about the text to start with, and the one to keep away from.

import { textFromFile, withoutFinalNewline } from "./file-text.ts";
import { flag, option, type RunOption } from "./option.ts";

const GROUP = "Prompt";

export const PROMPT_OPTIONS: readonly RunOption[] = [
  option(
    GROUP,
    ["--prompt", "-p"],
    "text",
    { placeholder: "TEXT", help: "prompt to start with", default: "empty" },
    (p, v) => {
      p.prompt = new TextEncoder().encode(v.text);
    },
  ),
  option(
    GROUP,
    ["--file", "-f"],
    "path",
    { placeholder: "FILE", help: "append a file to the prompt; - reads standard input" },
    async (p, v) => {
      p.prompt = withoutFinalNewline(Buffer.concat([p.prompt, await textFromFile(v)]));
    },
  ),
  flag(GROUP, ["--escape", "-e"], "process \\n \\r \\t \\' \\\" \\\\ in prompt, prefix and suffix", (p) => {
    p.escape = true;
  }),
  flag(GROUP, ["--random-prompt"], "start with a random word", (p) => {
    p.randomPrompt = true;
  }),
  option(
    GROUP,
    ["--prompt-cache"],
    "path",
    { placeholder: "FILE", help: "keep the evaluated prompt in a session file", default: "none" },
    (p, v) => {
      p.promptCache = v.text;
    },
  ),
  flag(GROUP, ["--prompt-cache-all"], "save user input and generated text to the session file as well", (p) => {
    p.promptCacheAll = true;
  }),
  flag(GROUP, ["--prompt-cache-ro"], "use the session file but do not write it", (p) => {
    p.promptCacheReadOnly = true;
  }),
  option(
    GROUP,
    ["--keep"],
    "int",
    { placeholder: "N", help: "prompt tokens that stay when the context is full; -1 for all", default: "0" },
    (p, v) => {
      p.keepTokens = v.number;
    },
  ),
  flag(GROUP, ["--verbose-prompt"], "print the tokens of the prompt first", (p) => {
    p.verbosePrompt = true;
  }),
  option(
    GROUP,
    ["--cfg-negative-prompt"],
    "text",
    { placeholder: "TEXT", help: "prompt that guidance leads away from", default: "empty" },
    (p, v) => {
      p.negativePrompt = new TextEncoder().encode(v.text);
    },
  ),
  option(
    GROUP,
    ["--cfg-negative-prompt-file"],
    "path",
    { placeholder: "FILE", help: "append a file to the negative prompt" },
    async (p, v) => {
      p.negativePrompt = withoutFinalNewline(Buffer.concat([p.negativePrompt, await textFromFile(v)]));
    },
  ),
  option(
    GROUP,
    ["--cfg-scale"],
    "float",
    { placeholder: "X", help: "strength of guidance; 1 or less is off", default: "1" },
    (p, v) => {
      p.guidanceScale = v.number;
    },
  ),
];
