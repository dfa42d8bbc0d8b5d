// Calls as 22 real templates write them back: what stands in a rendering behind the question is what a model of the family writes.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { createOutputParser, outputFormatOf } from "../../src/formats.ts";

interface Renderings {
  readonly templates: Readonly<
    Record<string, { readonly renderings: Readonly<Record<string, { readonly text?: string }>> }>
  >;
}

/** Name of a template; the text that ends the prompt, and what ends the answer. */
const FAMILIES: readonly (readonly [name: string, format: string, start: string, end: string])[] = [
  ["GLM-4.6", "glm", "<|assistant|>", "<|observation|>"],
  ["Mistral-Small-3.2-24B-Instruct-2506", "mistral-v11", "[/INST]", "</s>"],
  ["NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes", "<|im_start|>assistant\n", "<|im_end|>"],
  ["Qwen-Qwen2.5-7B-Instruct", "hermes", "<|im_start|>assistant\n", "<|im_end|>"],
  ["Qwen-Qwen3-0.6B", "hermes", "<|im_start|>assistant\n", "<|im_end|>"],
  ["Qwen3-Coder", "qwen-coder", "<|im_start|>assistant\n", "<|im_end|>"],
  ["Qwen3.5-4B", "qwen-coder", "<|im_start|>assistant\n", "<|im_end|>"],
  ["deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"],
  ["deepseek-ai-DeepSeek-V3.1", "deepseek-v3.1", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"],
  ["google-gemma-4-31B-it", "gemma-4", "<|turn>model\n", "<|tool_response>"],
  ["meta-llama-Llama-3.1-8B-Instruct", "llama-3", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"],
  ["microsoft-Phi-4-mini-instruct", "granite-phi", "<|assistant|>", "<|end|>"],
  ["mistralai-Mistral-Nemo-Instruct-2407", "mistral-v3", "[/INST]", "</s>"],
  ["openai-gpt-oss-120b", "harmony", "<|start|>assistant", "<|start|>functions"],
];

/** Families whose templates write no calls back. Calls of `plain` are those of `hermes`, as SmolLM3 writes them. */
const OTHERS: readonly (readonly [name: string, format: string])[] = [
  ["HuggingFaceTB-SmolLM3-3B", "plain"],
  ["Kimi-K2-Instruct", "kimi"],
  ["LFM2-8B-A1B", "lfm2"],
  ["google-gemma-2-2b-it", "plain"],
  ["google-gemma-3-it", "plain"],
  ["ibm-granite-granite-3.3-2B-Instruct", "granite-phi"],
  ["meta-llama-Llama-3.2-3B-Instruct", "llama-3"],
  ["microsoft-Phi-3.5-mini-instruct", "plain"],
];

const TOOLS = new Map<string, unknown>([
  ["get_weather", { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } }],
  ["now", { type: "object", properties: {} }],
]);

describeWithTestData("recorded renderings", () => {
  const { templates } = JSON.parse(readFileSync(testData("templates/renderings.json"), "utf8")) as Renderings;
  const templateOf = (name: string) => readFileSync(testData(`templates/${name}.jinja`), "utf8");

  test.each(OTHERS)("%s: %s", (name, format) => {
    expect(outputFormatOf(templateOf(name)).name).toBe(format);
  });

  test.each(FAMILIES)("%s", (name, formatName, start, end) => {
    const format = outputFormatOf(templateOf(name));
    expect(format.name).toBe(formatName);
    const rendering = templates[name]!.renderings["tool-result"]!.text!;
    const from = rendering.indexOf(start, rendering.lastIndexOf("Weather in")) + start.length;
    const output = rendering.slice(from, rendering.indexOf(end, from));
    for (const pieces of [[output], [...output]]) {
      const parser = createOutputParser({ format, tools: TOOLS });
      const parts = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
      expect(parts.map((part) => (part.type === "tool-call" ? [part.call.name, part.call.arguments] : part))).toEqual([
        ["get_weather", { city: "Zürich", days: 2 }],
      ]);
    }
  });
});
