// Answers as each family writes them, and what they say. Where a template of the family writes calls back, the renderings of
// `templates/renderings.json` hold the same text: `recorded.test.ts` checks that.

import { type OutputFormat, outputFormatOf, PLAIN_FORMAT } from "../../src/formats.ts";

export interface Expected {
  readonly reasoning?: string;
  readonly text?: string;
  readonly calls?: readonly (readonly [name: string, args: Readonly<Record<string, unknown>>])[];
}

export interface Output extends Expected {
  readonly title: string;
  /** A text of the family's template that shows its format. */
  readonly template: string;
  readonly prompt?: string;
  readonly output: string;
}

const WEATHER = ["get_weather", { city: "Zürich", days: 2 }] as const;
const NOW = ["now", {}] as const;
const THINK = "<think></think>";

export const OUTPUTS: readonly Output[] = [
  {
    title: "Qwen3: thought, text, two calls",
    template: `${THINK}<tool_call>`,
    output:
      '<think>\nThe weather?\n\nAnd the time.\n</think>\n\nLet me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}\n</tool_call>\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>',
    reasoning: "The weather?\n\nAnd the time.",
    text: "Let me look.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Hermes: the marks within an argument",
    template: "<tool_call>",
    output: '<tool_call>\n{"name": "now", "arguments": {"note": "</tool_call> \\"<tool_call>"}}\n</tool_call>',
    calls: [["now", { note: '</tool_call> "<tool_call>' }]],
  },
  {
    title: "Hermes: a broken call, and a good one behind it",
    template: "<tool_call>",
    output: 'Well.\n<tool_call>\n{"name": now}\n</tool_call>\n<tool_call>\n{"name": "now"}\n</tool_call>',
    text: 'Well.\n<tool_call>\n{"name": now}\n</tool_call>',
    calls: [NOW],
  },
  {
    title: "Hermes: a brace is missing",
    template: "<tool_call>",
    output:
      '<tool_call>\n{"name": "now", "arguments": {}\n</tool_call>\n<tool_call>\n{"name": "now"}\n</tool_call> done',
    text: '<tool_call>\n{"name": "now", "arguments": {}\n</tool_call>\n done',
    calls: [NOW],
  },
  {
    title: "Hermes: cut by the limit",
    template: "<tool_call>",
    output: 'Yes.\n<tool_call>\n{"name": "get_weather", "argum',
    text: 'Yes.\n<tool_call>\n{"name": "get_weather", "argum',
  },
  {
    title: "a thought that never closes",
    template: `${THINK}<tool_call>`,
    output: "<think>\nHm, <tool_call",
    reasoning: "Hm, <tool_call",
  },
  {
    title: "text that looks like marks",
    template: `${THINK}<tool_call>`,
    output: "a <think> b < <tool_cal </think> c",
    text: "a <think> b < <tool_cal </think> c",
  },
  {
    title: "Qwen3.5: the prompt begins the thought",
    template: `${THINK}<tool_call><function=x><parameter=y>`,
    prompt: "<|im_start|>assistant\n<think>\n",
    output:
      "I need it.\n</think>\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nZürich\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>",
    reasoning: "I need it.",
    calls: [WEATHER],
  },
  {
    title: "Qwen3-Coder: values of several lines with marks in them",
    template: "<tool_call><function=x><parameter=y>",
    output:
      "<tool_call>\n<function=get_weather>\n<parameter=city>\n12\n</parameter> </tool_call>\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=now>\n</function>\n</tool_call>",
    calls: [["get_weather", { city: "12\n</parameter> </tool_call>" }], NOW],
  },
  {
    title: "Qwen3-Coder: no function",
    template: "<tool_call><function=x>",
    output: "<tool_call>\nhello\n</tool_call> there",
    text: "<tool_call>\nhello\n</tool_call> there",
  },
  {
    title: "GLM",
    template: `${THINK}<arg_key><tool_call>`,
    output:
      "\n<think>Hm</think>\nOne moment.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Zürich</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>now\n</tool_call>",
    reasoning: "Hm",
    text: "One moment.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Mistral Nemo",
    template: "[TOOL_CALLS]",
    output:
      '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}, "id": "abc123def"}, {"name": "now", "arguments": {}, "id": "ghi456jkl"}]',
    calls: [WEATHER, NOW],
  },
  {
    title: "Mistral Small",
    template: "[TOOL_CALLS][ARGS][THINK]",
    output:
      '[THINK]So.[/THINK]Let me.[TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]{"city": "Zürich", "days": 2}[TOOL_CALLS]now[ARGS]{}',
    reasoning: "So.",
    text: "Let me.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Mistral Small: arguments that are no JSON",
    template: "[TOOL_CALLS][ARGS]",
    output: "[TOOL_CALLS]now[ARGS]{oops}",
    text: "[TOOL_CALLS]now[ARGS]{oops}",
  },
  {
    title: "gpt-oss: recipient behind the role",
    template: "<|channel|>",
    output:
      '<|channel|>analysis<|message|>They ask.<|end|><|start|>assistant<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Zürich", "days": 2}<|call|>',
    reasoning: "They ask.",
    text: "Let me look.",
    calls: [WEATHER],
  },
  {
    title: "gpt-oss: recipient behind the channel, and an answer",
    template: "<|channel|>",
    output:
      "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}<|call|><|start|>assistant<|channel|>analysis<|message|>Noon.<|end|><|start|>assistant<|channel|>final<|message|>It is noon < 1.<|return|>",
    reasoning: "Noon.",
    text: "It is noon < 1.",
    calls: [NOW],
  },
  {
    title: "gpt-oss: a broken call",
    template: "<|channel|>",
    output: "<|channel|>commentary to=functions.now json<|message|>{oops<|call|>",
    text: "<|channel|>commentary to=functions.now json<|message|>{oops",
  },
  { title: "gpt-oss: no channels", template: "<|channel|>", output: "Just this.", text: "Just this." },
  {
    title: "DeepSeek R1",
    template: `${THINK}<｜tool▁call▁begin｜>\`\`\`json`,
    prompt: "<｜Assistant｜><think>\n",
    output:
      'Weather.\n</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Zürich", "days": 2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    reasoning: "Weather.",
    calls: [WEATHER, NOW],
  },
  {
    title: "DeepSeek V3.1",
    template: `${THINK}<｜tool▁call▁begin｜>`,
    output:
      'Let me look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Zürich", "days": 2}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    text: "Let me look.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Granite",
    template: `${THINK}<response></response><|tool_call|>`,
    output:
      '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}, {"name": "now", "arguments": {}}]',
    calls: [WEATHER, NOW],
  },
  {
    title: "Granite: thought and response",
    template: `${THINK}<response></response><|tool_call|>`,
    output: "<think>Hm.</think><response>Yes.</response>",
    reasoning: "Hm.",
    text: "Yes.",
  },
  {
    title: "Phi-4",
    template: "<|tool_call|>",
    output:
      'Let me look.<|tool_call|>{"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}<|/tool_call|><|tool_call|>{"name": "now", "arguments": {}}<|/tool_call|>',
    text: "Let me look.",
    calls: [WEATHER, NOW],
  },
  {
    title: "LFM2",
    template: "<|tool_call_start|>",
    output: '<|tool_call_start|>[get_weather(city="Zürich", days=2), now()]<|tool_call_end|>Looking.',
    text: "Looking.",
    calls: [WEATHER, NOW],
  },
  {
    title: "LFM2: values of Python",
    template: "<|tool_call_start|>",
    output: `<|tool_call_start|>[now(a='it\\'s <|tool_call_end|>', b=[1, None, {"c": True}])]<|tool_call_end|>`,
    calls: [["now", { a: "it's <|tool_call_end|>", b: [1, null, { c: true }] }]],
  },
  {
    title: "Gemma 4",
    template: "<|tool_call><|channel>",
    output:
      '<|channel>thought\nA city.<channel|><|tool_call>call:get_weather{city:<|"|>Zürich<|"|>,days:2}<tool_call|><|tool_call>call:now{}<tool_call|>',
    reasoning: "A city.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Kimi K2",
    template: "<|tool_calls_section_begin|>",
    output:
      'Let me.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Zürich", "days": 2}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
    text: "Let me.",
    calls: [WEATHER, NOW],
  },
  {
    title: "Llama 3",
    template: "<|python_tag|>",
    output: '{"name": "get_weather", "parameters": {"city": "Zürich", "days": 2}}',
    calls: [WEATHER],
  },
  {
    title: "Llama 3: behind its tag",
    template: "<|python_tag|>",
    output: '<|python_tag|>{"name": "now", "parameters": {}}',
    calls: [NOW],
  },
  {
    title: "Llama 3: a name that is no tool",
    template: "<|python_tag|>",
    output: '{"name": "Ada", "parameters": {}} is JSON',
    text: '{"name": "Ada", "parameters": {}} is JSON',
  },
  { title: "Llama 3: an answer in JSON", template: "<|python_tag|>", output: '{"born": 1815}', text: '{"born": 1815}' },
  {
    title: "Llama 3: code",
    template: "<|python_tag|>",
    output: '<|python_tag|>print("x")',
    text: 'print("x")',
  },
];

/** The notations whose arguments are no JSON. */
export const MEMBER_FORMATS: readonly OutputFormat[] = [
  outputFormatOf("<function="),
  outputFormatOf("<arg_key>"),
  outputFormatOf("<|tool_call_start|>"),
  outputFormatOf("<|tool_call>"),
];

/** The notations in which calls can be forced by a grammar. */
export const FORCED_FORMATS: readonly OutputFormat[] = [
  PLAIN_FORMAT,
  outputFormatOf("<tool_call> <think> </think>"),
  outputFormatOf("[TOOL_CALLS]"),
  outputFormatOf("[TOOL_CALLS] [ARGS]"),
  outputFormatOf("<|tool_call|>"),
  outputFormatOf("<|python_tag|>"),
  outputFormatOf("<｜tool▁call▁begin｜> ```json"),
  outputFormatOf("<｜tool▁call▁begin｜>"),
  outputFormatOf("<|tool_calls_section_begin|>"),
  outputFormatOf("<|channel|>"),
];
