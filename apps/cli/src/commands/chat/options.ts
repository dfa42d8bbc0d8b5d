// The options of ll-chat: those of ll-main that choose a model and how tokens are drawn, and its own.

import { MODEL_OPTIONS } from "../../inference/options/model.ts";
import { SAMPLING_OPTIONS } from "../../inference/options/sampling.ts";
import { defaultParams, type RunParams } from "../../inference/params.ts";
import { colorRow, flagRow, jsonRow, quietRow, valueRow } from "../../option-rows.ts";
import type { OptionSpec } from "../../option-table.ts";
import { TEMPLATE_NAMES } from "./template.ts";

export interface ChatParams extends RunParams {
  /** Undefined: that of the file, else plain. */
  template: string | undefined;
  /** Undefined for that of the template. */
  system: string | undefined;
  /** Asked instead of a conversation. */
  question: string | undefined;
  resume: string | undefined;
  classic: boolean;
  history: boolean;
}

/** Options of ll-main that have another default here. */
const OTHER_HERE: readonly string[] = ["--model", "--ctx-size", "--n-predict"];

/** A grammar holds for one text; a conversation has many. */
const isForOneText = ({ names }: OptionSpec<RunParams>): boolean => names[0].startsWith("--grammar");

const ANSWER_TOKENS = 512;

/** What `/set` changes in the middle of a conversation. */
export const SETTINGS: readonly OptionSpec<ChatParams>[] = [
  valueRow(
    "Conversation",
    ["--system"],
    "text",
    { placeholder: "TEXT", help: "what the model is told first", default: "that of the template" },
    (params, { text }) => {
      params.system = text;
    },
  ),
  valueRow(
    "Conversation",
    ["--n-predict", "-n", "--predict"],
    "int",
    { placeholder: "N", help: "most tokens of an answer; -1 for no limit", default: String(ANSWER_TOKENS) },
    (params, { number }) => {
      params.nPredict = number;
    },
  ),
  ...SAMPLING_OPTIONS.filter((row) => !OTHER_HERE.includes(row.names[0]) && !isForOneText(row)),
];

export const CHAT_OPTIONS: readonly OptionSpec<ChatParams>[] = [
  valueRow(
    "Model",
    ["--model", "-m"],
    "path",
    { placeholder: "FILE", help: "the same as MODEL" },
    (params, { text }) => {
      params.model = text;
    },
  ),
  valueRow(
    "Model",
    ["--ctx-size", "-c"],
    "int",
    { placeholder: "N", help: "size of the context in tokens; 0 for the model's own", default: "its own, up to 4096" },
    (params, { number }) => {
      params.contextTokens = number;
    },
  ),
  ...MODEL_OPTIONS.filter(({ names }) => !OTHER_HERE.includes(names[0])),
  valueRow(
    "Conversation",
    ["--template"],
    "path",
    {
      placeholder: "NAME",
      help: `${TEMPLATE_NAMES.join(", ")}, or a file`,
      default: "that of the file, else plain",
      choices: TEMPLATE_NAMES,
    },
    (params, { text }) => {
      params.template = text;
    },
  ),
  valueRow(
    "Conversation",
    ["--resume"],
    "path",
    { placeholder: "FILE", help: "go on with a conversation that /save wrote" },
    (params, { text }) => {
      params.resume = text;
    },
  ),
  valueRow(
    "Conversation",
    ["--prompt", "-p"],
    "text",
    { placeholder: "TEXT", help: "the same as QUESTION" },
    (params, { text }) => {
      params.question = text;
    },
  ),
  flagRow("Conversation", ["--classic"], "the dialogue of llama.cpp's chat.sh instead, by ll-main", (params) => {
    params.classic = true;
  }),
  ...SETTINGS,
  flagRow("Output", ["--no-history"], "neither read nor write the history of what was typed", (params) => {
    params.history = false;
  }),
  jsonRow("one JSON object for each answer"),
  quietRow("the answers and nothing else: no word about the model, no speed"),
  colorRow("Output", "paint the speed behind an answer, and thoughts", "auto"),
];

export function defaultChatParams(threads?: number): ChatParams {
  return {
    ...defaultParams(threads),
    model: "",
    contextTokens: -1,
    nPredict: ANSWER_TOKENS,
    template: undefined,
    system: undefined,
    question: undefined,
    resume: undefined,
    classic: false,
    history: true,
    color: "auto",
  };
}
