// Chat templates that files carry, rendered for a short conversation.

import { compileTemplate } from "../../../packages/chat/src/template/jinja/render.ts";

const conversation = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi \u{1f999}" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "a", function: { name: "f", arguments: { x: [1, 2.5, null] } } }],
    },
    { role: "tool", content: "b" },
  ],
  tools: [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }],
  add_generation_prompt: true,
  bos_token: "<s>",
  eos_token: "</s>",
};

export const seeds: readonly Uint8Array[] = [
  "{% for m in messages %}{{ m.role ~ ': ' + m['content'] | trim }}{% if loop.last and not m.x %}!{% endif %}{% else %}-{% endfor %}",
  "{%- set ns = namespace(a=[], b='') -%}{% for m in messages if m.content %}{% set ns.a = ns.a + [m.content] %}{% endfor %}{{ ns.a | join(', ') | upper }}",
  "{% macro f(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ f('x', b=2) }}{% call f(1) %}y{% endcall %}{% filter upper %}z{% endfilter %}",
  "{{ tools | tojson(indent=2) }}{% for k, v in tools[0].function.items() %}{{ k }}{{ v is string }}{% endfor %}{{ messages[::-1][0].role[1:] }}",
  "{{ 'a-b'.split('-')[-1].replace('b', 'cc') if bos_token == '<s>' else raise_exception('no') }}{{ range(3) | list | length }}{{ strftime_now('%Y') }}",
  "{% for x in range(9) %}{% if x % 2 %}{% continue %}{% elif x > 5 %}{% break %}{% endif %}{{ [x, -x, x * 2 // 3] | sort | string }}{% endfor %}",
].map((source) => new TextEncoder().encode(source));
export const dictionary: readonly string[] = [
  ...[
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{%- ",
    " -%}",
    "{# ",
    " #}",
    "{% for x in ",
    "{% endfor %}",
    "{% if ",
    "{% endif %}",
  ],
  ...[
    "{% set x = ",
    "{% set ns.a = ",
    "{% endset %}",
    "namespace(",
    "range(4096)",
    " ~ ",
    " + ",
    " * ",
    " in ",
    " is ",
  ],
  ...[
    " | tojson",
    " | join(",
    " | replace(",
    " | indent(",
    ".split(",
    ".items()",
    "[::-1]",
    " not ",
    "loop.",
    "messages",
  ],
  ...["x", "ns.a", "'", '"', "\\x41", "99999999", "-1", "1.5", "**", "__proto__", "constructor", "\u00a0"],
];
export const maxBytes = 2048;

const decoder = new TextDecoder();

export function fuzz(data: Uint8Array): void {
  // a clock that goes on with every look at it: what is slow ends soon
  let looks = 0;
  compileTemplate(decoder.decode(data), { date: () => new Date(0), now: () => 40 * looks++ })(conversation);
}
