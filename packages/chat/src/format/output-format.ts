// How families of models write thoughts and calls of tools: data for one parser. Which of them a model speaks, its chat template shows.

import {
  type CallContext,
  deepSeekCall,
  gemmaCall,
  glmCall,
  jsonCalls,
  kimiCall,
  type ParsedCalls,
  pythonCalls,
  qwenCoderCall,
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
  readonly before?: string;
  /** In front of the name, between name and arguments, behind the arguments. */
  readonly call: readonly [beforeName: string, beforeArguments: string, after: string];
  /** Between two calls; undefined if an answer has one call. */
  readonly between?: string;
  readonly after?: string;
}

export interface OutputFormat {
  readonly name: string;
  readonly thought?: Marks;
  readonly calls?: CallFormat;
  /** Marks that are not shown. */
  readonly hidden?: readonly string[];
  /** Messages in channels, which `harmony-parser.ts` reads. */
  readonly channels?: true;
}

/** What follows the mark of a call that a grammar is to make; undefined if calls have no mark, or are only read. */
export function callsBehindMark({ calls }: OutputFormat): ForcedCalls | undefined {
  const { open = "", forced } = calls ?? {};
  if (open === "" || forced === undefined) return undefined;
  const { before, call, after } = forced;
  if (before !== undefined) return { ...forced, before: before.slice(open.length) }; // a list behind one mark
  const [beforeName, beforeArguments, behind] = call;
  return { call: [beforeName.slice(open.length), beforeArguments, behind], ...(after !== undefined && { after }) };
}

const THINK: Marks = { open: "<think>", close: "</think>" };

const TAGGED_JSON: CallFormat = {
  open: "<tool_call>",
  close: "</tool_call>",
  end: "json",
  parse: jsonCalls("arguments"),
  forced: {
    call: ['<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>"],
    between: "\n",
  },
};

const MISTRAL: CallFormat = {
  open: "[TOOL_CALLS]",
  close: undefined,
  end: "json",
  argumentsMark: "[ARGS]",
  parse: jsonCalls("arguments", { name: /^\s*([\w.-]+)\s*(?:\[CALL_ID\]\s*(\w+)\s*)?$/, mark: "[ARGS]" }),
  idLength: 9,
};

const LLAMA_3: CallFormat = {
  open: "",
  close: undefined,
  end: "json",
  parse: jsonCalls("parameters", undefined, true),
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
  { format: { name: "harmony", channels: true }, isIn: has("<|channel|>") },
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
      calls: {
        open: "<｜tool▁call▁begin｜>",
        close: "<｜tool▁call▁end｜>",
        end: "mark",
        around: ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"],
        parse: deepSeekCall,
      },
    },
    isIn: has("<｜tool▁call▁begin｜>"),
  },
  {
    format: { name: "glm", calls: { open: "<tool_call>", close: "</tool_call>", end: "mark", parse: glmCall } },
    isIn: has("<arg_key>"),
  },
  {
    format: {
      name: "qwen-coder",
      calls: { open: "<tool_call>", close: "</tool_call>", end: "mark", parse: qwenCoderCall },
    },
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
        parse: kimiCall,
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
