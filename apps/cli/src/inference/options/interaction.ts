// Options about talking with a user.

import { colorRow, flagRow, valueRow } from "../../option-rows.ts";
import type { RunOption } from "./option.ts";

const GROUP = "Interaction";

export const INTERACTION_OPTIONS: readonly RunOption[] = [
  flagRow(GROUP, ["--interactive", "-i"], "let the user speak", (p) => {
    p.interactive = true;
  }),
  flagRow(GROUP, ["--interactive-first"], "let the user speak first", (p) => {
    p.interactiveFirst = true;
  }),
  flagRow(GROUP, ["--instruct", "-ins"], "instructions and responses, for Alpaca models", (p) => {
    p.instruct = true;
  }),
  flagRow(GROUP, ["--multiline-input"], "Return starts a new line; \\ or / ends the input", (p) => {
    p.multilineInput = true;
  }),
  valueRow(
    GROUP,
    ["--reverse-prompt", "-r"],
    "text",
    { placeholder: "TEXT", help: "hand control to the user after this text; repeatable" },
    (p, v) => {
      p.reversePrompts.push(v.text);
    },
  ),
  valueRow(
    GROUP,
    ["--in-prefix"],
    "text",
    { placeholder: "TEXT", help: "put before the user's input", default: "empty" },
    (p, v) => {
      p.inputPrefix = v.text;
    },
  ),
  valueRow(
    GROUP,
    ["--in-suffix"],
    "text",
    { placeholder: "TEXT", help: "put behind the user's input", default: "empty" },
    (p, v) => {
      p.inputSuffix = v.text;
    },
  ),
  flagRow(GROUP, ["--in-prefix-bos"], "put the beginning-of-text token before the user's input", (p) => {
    p.inputPrefixBos = true;
  }),
  flagRow(GROUP, ["--keep-eos"], "an end of text stays in the context and gives the user the word", (p) => {
    p.keepEos = true;
  }),
  flagRow(GROUP, ["--simple-io"], "plain lines from standard input, without echo, for other programs", (p) => {
    p.simpleIo = true;
  }),
  colorRow(GROUP, "colour prompt and user input", "never"),
];
