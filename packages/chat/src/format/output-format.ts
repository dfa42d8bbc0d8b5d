// How families of models write thoughts and calls of tools: data for one parser. Which of them a model speaks, its chat template shows.

import {
  type CallContext,
  gemmaCall,
  jsonCalls,
  namedCall,
  type ParsedCalls,
  pythonCalls,
  taggedCall,
} from "./call-syntax.ts";

/** A stretch of text between two marks. */
export interface Marks {
  readonly open: string;
  readonly close: string;
}

/** How a call is written. */
export interface CallFormat {
  /** Mark in front of it; "" for an answer that is nothing but a call. */
  readonly open: string;
  /** Mark behind it; undefined if it goes to the end of the answer, or of its JSON value. */
  readonly close: string | undefined;
  /** Where it ends: where its JSON value does, or at `close`. */
  readonly end: "json" | "mark";
  /** The JSON value begins behind this mark, unless the call begins with one. */
  readonly argumentsMark?: string;
  /** Marks around all calls of an answer, which say nothing. */
  readonly around?: readonly string[];
  /** The calls in what lies between the marks. */
  readonly parse: (body: string, context: CallContext) => ParsedCalls;
  /** Characters of an id made up here; default 24, behind "call_". */
  readonly idLength?: number;
  /** How calls are forced by a grammar; undefined if they are only read. */
  readonly forced?: ForcedCalls;
}

/** What stands around names and arguments, for a grammar that admits calls only. */
export interface ForcedCalls {
  /** GBNF of what may come first, where thoughts are written as messages. */
  readonly inFront?: string;
  readonly before?: string;
  /** In front of the name, between name and arguments, behind the arguments. */
  readonly call: readonly [beforeName: string, beforeArguments: string, after: string];
  /** What stands directly behind the name as well, and how the name is found in both. */
  readonly named?: NamedCall;
  /** What stands behind the arguments may be a token that ends the answer. */
  readonly mayEndAnswer?: true;
  /** Between two calls; undefined if an answer has one call. */
  readonly between?: string;
  readonly after?: string;
}

export interface NamedCall {
  /** GBNF. */
  readonly grammar: string;
  /** 1: the name. */
  readonly name: RegExp;
  /** With this in front of both, they are the id of the call. */
  readonly idPrefix?: string;
}

export interface OutputFormat {
  readonly name: string;
  readonly thought?: Marks;
  readonly calls?: CallFormat;
  /** Marks that are not shown. */
  readonly hidden?: readonly string[];
  /** Messages in channels, which `harmony-parser.ts` reads; and how calls begin in the head of one. */
  readonly channels?: Pick<CallFormat, "open" | "forced">;
}

/** What follows the mark of a call that a grammar is to make; undefined if calls have no mark, or are only read. */
export function callsBehindMark({ calls, channels }: OutputFormat): ForcedCalls | undefined {
  const { open = "", forced } = calls ?? channels ?? {};
  if (open === "" || forced === undefined) return undefined;
  const { before, between, after, ...one } = forced;
  if (before?.startsWith(open)) return { ...forced, before: before.slice(open.length) }; // a list behind one mark
  const [beforeName, beforeArguments, behind] = one.call;
  return { ...one, call: [beforeName.slice(open.length), beforeArguments, behind] };
}

const THINK: Marks = { open: "<think>", close: "</think>" };

const TAGS: Marks = { open: "<tool_call>", close: "</tool_call>" };

const TAGGED_JSON: CallFormat = {
  ...TAGS,
  end: "json",
  parse: jsonCalls("arguments"),
  forced: {
    call: ['<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>"],
    between: "\n",
  },
};

const LIST = jsonCalls("arguments");
const MISTRAL_NAMED = namedCall(/^\s*(?<name>[\w.-]+)\s*(?:\[CALL_ID\]\s*(?<id>\w+)\s*)?\[ARGS\](?<args>[\s\S]*)$/);

const MISTRAL: CallFormat = {
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

const GLM: CallFormat = {
  ...TAGS,
  end: "mark",
  parse: taggedCall(
    /^([^\s<>]+)\s*(?=<arg_key>|$)/,
    /\s*<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>\s*(?=<arg_key>|$)/y,
    "",
    "more",
  ),
};

const QWEN_CODER: CallFormat = {
  ...TAGS,
  end: "mark",
  parse: taggedCall(
    /^<function=([^>\n]+)>/,
    /\s*<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>\s*(?=<parameter=|$)/y,
    "</function>",
    "broken",
  ),
};

const LLAMA_3: CallFormat = {
  open: "",
  close: undefined,
  end: "json",
  parse: jsonCalls("parameters", true),
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
      channels: {
        open: " to=functions.",
        forced: {
          inFront: '( "<|channel|>analysis<|message|>" ( [^<] | "<"+ [^<|] )* "<|end|><|start|>assistant" )?',
          before: "<|channel|>commentary",
          call: [" to=functions.", "<|message|>", "<|call|>"],
          named: { grammar: '"<|channel|>commentary"? ( " json" | " <|constrain|>json" )?', name: /^([^\s<]+)/ },
          mayEndAnswer: true,
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
        forced: { before: "[TOOL_CALLS][", call: ['{"name": "', '", "arguments": ', "}"], between: ", ", after: "]" },
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
      calls: { open: "<|tool_call_start|>", close: "<|tool_call_end|>", end: "mark", parse: pythonCalls },
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
      calls: { open: "<|tool_call>", close: "<tool_call|>", end: "mark", parse: gemmaCall },
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
        parse: jsonCalls("arguments"),
        forced: {
          before: "<|tool_call|>[",
          call: ['{"name": "', '", "arguments": ', "}"],
          between: ", ",
          after: "]",
        },
      },
    },
    isIn: has("<|tool_call|>"),
  },
  {
    format: {
      name: "llama-3",
      calls: { ...LLAMA_3, forced: { call: ['{"name": "', '", "parameters": ', "}"] } },
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
