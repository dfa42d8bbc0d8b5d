// How families of models write thoughts and calls of tools: data for one parser. Which of them a model speaks, its chat template shows.

import { gemmaCall, jsonCalls, namedCall, pythonCalls, taggedCall } from "./call-syntax.ts";
import type { CallFormat, ForcedCalls, Marks, OutputFormat } from "./output-format.ts";

const THINK: Marks = { open: "<think>", close: "</think>" };

const LIST = jsonCalls("arguments");
const TAGS: Marks = { open: "<tool_call>", close: "</tool_call>" };

const TAGGED_JSON: CallFormat = {
  ...TAGS,
  end: "json",
  parse: LIST,
  forced: {
    call: ['<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>"],
    between: "\n",
  },
};

/** Calls in a JSON array behind a mark. */
function jsonList(mark: string): ForcedCalls {
  return { before: `${mark}[`, call: ['{"name": "', '", "arguments": ', "}"], between: ", ", after: "]" };
}

const MISTRAL_NAMED = namedCall(/^\s*(?<name>[\w.-]+)\s*(?:\[CALL_ID\]\s*(?<id>\w+)\s*)?\[ARGS\](?<args>[\s\S]*)$/);

const MISTRAL: Omit<CallFormat, "forced"> = {
  open: "[TOOL_CALLS]",
  close: undefined,
  end: "json",
  argumentsMark: "[ARGS]",
  parse: (body, context) => (/^\s*[[{]/.test(body) ? LIST(body, context) : MISTRAL_NAMED(body)),
  idLength: 9,
};

/** The marks of this notation have letters of their own for bars and blanks. */
const deepSeekMark = (name: string): string => `<｜tool▁${name.replace(" ", "▁")}｜>`;

const DEEPSEEK_SEP = deepSeekMark("sep");
const DEEPSEEK_CALL = deepSeekMark("call begin");
const DEEPSEEK_END = deepSeekMark("call end");
const DEEPSEEK_CALLS: readonly [string, string] = [deepSeekMark("calls begin"), deepSeekMark("calls end")];

/** @param call how R1 writes one, or V3.1 */
function deepSeek(call: ForcedCalls["call"], between: string): CallFormat {
  const [before, after] = DEEPSEEK_CALLS;
  return {
    ...{ open: DEEPSEEK_CALL, close: DEEPSEEK_END, end: "mark", around: DEEPSEEK_CALLS },
    parse: namedCall(
      new RegExp(`${DEEPSEEK_SEP}(?<name>[^\\n]*)\\n\`\`\`(?:json)?\\n(?<args>[\\s\\S]*?)\\n?\`\`\`\\s*$`),
      new RegExp(`^(?<name>[\\s\\S]*?)${DEEPSEEK_SEP}(?<args>[\\s\\S]*)$`),
    ),
    forced: { before, call, between, after },
  };
}

const TAG_NAMES = /^[^\s<>]+$/;

const GLM: CallFormat = {
  ...TAGS,
  end: "mark",
  parse: taggedCall(
    /^([^\s<>]+)\s*(?=<arg_key>|$)/,
    /\s*<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>\s*(?=<arg_key>|$)/y,
    "</arg_value>",
    "",
  ),
  forced: {
    call: ["<tool_call>", "\n", "</tool_call>"],
    members: {
      around: ["<arg_key>", "</arg_key>\n<arg_value>", "</arg_value>\n"],
      ...{ between: "", names: TAG_NAMES, values: "tagged" },
    },
    between: "\n",
  },
};

const QWEN_CODER: CallFormat = {
  ...TAGS,
  end: "mark",
  parse: taggedCall(
    /^<function=([^>\n]+)>/,
    /\s*<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>\s*(?=<parameter=|$)/y,
    "</parameter>",
    "</function>",
  ),
  forced: {
    call: ["<tool_call>\n<function=", ">\n", "</function>\n</tool_call>"],
    members: {
      around: ["<parameter=", ">\n", "\n</parameter>\n"],
      ...{ between: "", names: TAG_NAMES, values: "tagged" },
    },
    between: "\n",
  },
};

const LLAMA_3: CallFormat = {
  open: "",
  close: undefined,
  end: "json",
  parse: jsonCalls("parameters"),
  forced: { call: ['{"name": "', '", "parameters": ', "}"] },
};

interface KnownFormat {
  readonly format: OutputFormat;
  /** True if a template shows this format. */
  readonly isIn: (template: string) => boolean;
}

const has =
  (...texts: readonly string[]) =>
  (template: string): boolean =>
    texts.every((text) => template.includes(text));

/** In the order in which they are looked for. */
const KNOWN_FORMATS: readonly KnownFormat[] = [
  {
    format: {
      name: "harmony",
      channels: true,
      calls: {
        ...{ close: "<|call|>", end: "mark", parse: namedCall(/^(?<name>[\w.-]+)<\|message\|>(?<args>[\s\S]*)$/) },
        open: " to=functions.",
        forced: {
          inFront: '( "<|channel|>analysis<|message|>" ( [^<] | "<"+ [^<|] )* "<|end|><|start|>assistant" )?',
          before: "<|channel|>commentary",
          call: [" to=functions.", "<|message|>", "<|call|>"],
          named: { grammar: '"<|channel|>commentary"? ( " json" | " <|constrain|>json" )?', name: /^([^\s<]+)/ },
          mayEnd: true,
        },
      },
    },
    isIn: has("<|channel|>"),
  },
  {
    format: {
      name: "mistral-v11",
      calls: { ...MISTRAL, forced: { call: ["[TOOL_CALLS]", "[ARGS]", ""], between: "" } },
    },
    isIn: has("[TOOL_CALLS]", "[ARGS]"),
  },
  {
    format: {
      name: "mistral-v3",
      calls: {
        ...MISTRAL,
        forced: jsonList("[TOOL_CALLS]"),
      },
    },
    isIn: has("[TOOL_CALLS]"),
  },
  {
    format: {
      name: "deepseek",
      calls: deepSeek([`${DEEPSEEK_CALL}function${DEEPSEEK_SEP}`, "\n```json\n", `\n\`\`\`${DEEPSEEK_END}`], "\n"),
    },
    isIn: has(DEEPSEEK_CALL, "```json"),
  },
  {
    format: { name: "deepseek-v3.1", calls: deepSeek([DEEPSEEK_CALL, DEEPSEEK_SEP, DEEPSEEK_END], "") },
    isIn: has(DEEPSEEK_CALL),
  },
  {
    format: { name: "glm", calls: GLM },
    isIn: has("<arg_key>"),
  },
  {
    format: { name: "qwen-coder", calls: QWEN_CODER },
    isIn: has("<function="),
  },
  { format: { name: "hermes", calls: TAGGED_JSON }, isIn: has("<tool_call>") },
  {
    format: {
      name: "lfm2",
      calls: {
        ...{ open: "<|tool_call_start|>", close: "<|tool_call_end|>", end: "mark", parse: pythonCalls },
        forced: {
          before: "<|tool_call_start|>[",
          call: ["", "(", ")"],
          members: { around: ["", "=", ""], between: ", ", names: /^[A-Za-z_][\w-]*$/, values: "python" },
          between: ", ",
          after: "]<|tool_call_end|>",
        },
      },
    },
    isIn: (template) => /<\|tool_(?:call|list)_start\|>/.test(template),
  },
  {
    format: {
      name: "kimi",
      calls: {
        open: "<|tool_call_begin|>",
        close: "<|tool_call_end|>",
        end: "mark",
        around: ["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"],
        parse: namedCall(
          /^\s*(?<id>(?:functions\.)?(?<name>.+?)(?::\d+)?)\s*<\|tool_call_argument_begin\|>(?<args>[\s\S]*)$/,
        ),
        forced: {
          before: "<|tool_calls_section_begin|>",
          call: ["<|tool_call_begin|>functions.", "<|tool_call_argument_begin|>", "<|tool_call_end|>"],
          named: { grammar: '":" [0-9]{1,3}', name: /^(.+):/, idPrefix: "functions." },
          between: "",
          after: "<|tool_calls_section_end|>",
        },
      },
    },
    isIn: has("<|tool_calls_section_begin|>"),
  },
  {
    format: {
      name: "gemma-4",
      thought: { open: "<|channel>thought", close: "<channel|>" },
      calls: {
        ...{ open: "<|tool_call>", close: "<tool_call|>", end: "mark", parse: gemmaCall },
        forced: {
          call: ["<|tool_call>call:", "{", "}<tool_call|>"],
          members: { around: ["", ":", ""], between: ",", names: /^[^\s:{},<]+$/, values: "gemma" },
          between: "",
        },
      },
    },
    isIn: has("<|tool_call>"),
  },
  {
    // Granite writes a list and nothing behind it, Phi-4 one call or a list and a mark
    format: {
      name: "granite-phi",
      calls: {
        open: "<|tool_call|>",
        close: "<|/tool_call|>",
        end: "json",
        around: ["<|/tool_call|>"],
        parse: LIST,
        forced: jsonList("<|tool_call|>"),
      },
    },
    isIn: has("<|tool_call|>"),
  },
  {
    format: {
      name: "llama-3",
      calls: LLAMA_3,
      hidden: ["<|python_tag|>"],
    },
    isIn: (template) => has("<|python_tag|>")(template) || has('"parameters"', "ipython")(template),
  },
];

/** For templates that know no tools: the prompt asks for calls in this way. */
export const PLAIN_FORMAT: OutputFormat = { name: "plain", calls: TAGGED_JSON };

/** The format that a chat template shows. */
export function outputFormatOf(template: string): OutputFormat {
  const known = KNOWN_FORMATS.find(({ isIn }) => isIn(template))?.format ?? PLAIN_FORMAT;
  if (known.channels || known.thought) return known;
  const hidden = template.includes("<response>")
    ? { hidden: [...(known.hidden ?? []), "<response>", "</response>"] }
    : {};
  if (template.includes("[THINK]")) return { ...known, ...hidden, thought: { open: "[THINK]", close: "[/THINK]" } };
  return /<\/?think>/.test(template) ? { ...known, ...hidden, thought: THINK } : known;
}
