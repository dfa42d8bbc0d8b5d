// Whatever stands in whatever field: an answer, or an error of the client's. Never one of ours.

import { fc, test as property } from "@fast-check/vitest";
import type { ChatModel } from "@ll/chat";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { type Ask, asker, smallModel } from "./support/small-model.ts";

let model: ChatModel;
let ask: Ask;
const onError = vi.fn();

beforeAll(async () => {
  model = await smallModel({ contextTokens: 128 });
  ask = asker(model, { onError }).ask;
});

afterAll(async () => {
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
  await model.dispose();
});

const schema = { type: "object", properties: { a: { type: "integer" } } };
const tool = { type: "function", function: { name: "f", parameters: schema } };
const toolCall = { id: "1", type: "function", function: { name: "f", arguments: '{"a":1}' } };

/** Values that are right in some field, and are tried in every one. */
const known = fc.constantFrom<unknown>(
  [{ role: "user", content: "x" }],
  [
    { role: "assistant", content: null, tool_calls: [toolCall] },
    { role: "tool", tool_call_id: "1", content: "y" },
  ],
  [tool],
  [{ type: "function", name: "f", parameters: schema }],
  { type: "json_schema", json_schema: { name: "s", schema } },
  { type: "json_object" },
  { format: { type: "json_schema", name: "s", schema } },
  { type: "function", function: { name: "f" } },
  [{ type: "function_call", call_id: "1", name: "f", arguments: "{}" }],
  { "5": -100, "7": 100 },
  "required",
  "tiny",
  'root ::= "a" | "b"',
  "root ::= root",
  [[1, 2], [3]],
  [1, 2, 1023],
);
const odd = fc.constantFrom<unknown>(
  -1,
  0,
  1.5,
  1e18,
  -1e308,
  2 ** 53,
  "",
  "__proto__",
  "\ud800",
  "x".repeat(10_000),
  [],
  {},
  [[]],
  [{}],
  [null],
  { __proto__: null, constructor: 1 },
  JSON.parse('{"__proto__": {"stream": true}}'),
);
const value = fc.oneof(known, odd, fc.jsonValue({ maxDepth: 3 }), fc.integer(), fc.double(), fc.boolean());

const COMMON =
  "model temperature top_p frequency_penalty presence_penalty seed stop logit_bias stream stream_options top_k min_p typical_p tfs_z repeat_penalty repeat_last_n dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers xtc_probability xtc_threshold mirostat mirostat_tau mirostat_eta grammar ignore_eos cache_prompt return_progress user metadata store";
const ENDPOINTS: readonly [path: string, base: object, fields: string][] = [
  [
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "Hi" }], max_tokens: 2 },
    `${COMMON} messages n max_tokens max_completion_tokens logprobs top_logprobs response_format tools tool_choice parallel_tool_calls modalities reasoning_effort chat_template_kwargs functions`,
  ],
  [
    "/v1/completions",
    { prompt: "He", max_tokens: 2 },
    `${COMMON} prompt n max_tokens logprobs echo best_of suffix response_format`,
  ],
  ["/v1/embeddings", { input: "Hi" }, "model input encoding_format dimensions ll_normalize user"],
  [
    "/v1/responses",
    { input: "Hi", max_output_tokens: 2 },
    `${COMMON} input instructions max_output_tokens tools tool_choice parallel_tool_calls text reasoning background previous_response_id`,
  ],
  ["/tokenize", { content: "Hi" }, "content add_special with_pieces"],
  ["/detokenize", { tokens: [1, 2] }, "tokens"],
  ["/apply-template", { messages: [{ role: "user", content: "Hi" }] }, "messages tools"],
];

async function expectAnswer(path: string, body: object | string): Promise<void> {
  const { status, body: answer } = await ask(path, body);
  const told = `${JSON.stringify(body).slice(0, 500)}\n${JSON.stringify(answer).slice(0, 500)}`;
  expect([200, 400, 404], told).toContain(status);
  if (status === 200) {
    // a grammar or a schema may lead nowhere while it is followed
    if (typeof answer === "string") expect(answer, told).not.toMatch(/"type":"server_error"/);
  } else {
    expect(answer.error, told).toMatchObject({ message: expect.any(String), code: expect.any(String) });
  }
  expect(onError.mock.calls, told).toEqual([]);
}

describe.each(ENDPOINTS)("%s", (path, base, fields) => {
  const names = fields.split(" ");
  const changes = fc.array(fc.tuple(fc.constantFrom(...names), value), { minLength: 1, maxLength: 3 });

  property.prop([changes], { numRuns: 150 })("any value in any field", async (some) => {
    await expectAnswer(path, { ...base, ...Object.fromEntries(some) });
  });

  property.prop([fc.oneof(fc.json(), fc.string())], { numRuns: 50 })("any text as a body", async (text) => {
    await expectAnswer(path, text);
  });
});

const role = fc.constantFrom("system", "developer", "user", "assistant", "tool", "function", 1);
const text = fc.oneof(
  fc.string(),
  fc.constant(null),
  fc.array(fc.record({ type: fc.constantFrom("text", "file"), text: value })),
  value,
);
const messages = fc.array(
  fc.record(
    {
      role,
      content: text,
      tool_calls: fc.oneof(fc.constant([toolCall]), value),
      tool_call_id: fc.oneof(fc.constant("1"), value),
      reasoning_content: value,
    },
    { requiredKeys: ["role"] },
  ),
  { minLength: 1, maxLength: 4 },
);

property.prop([messages], { numRuns: 300 })("any conversation", async (conversation) => {
  await expectAnswer("/v1/chat/completions", { messages: conversation, max_tokens: 1 });
});
