// Templates that ask for everything, and what becomes of them.

import type { TemplateErrorCode } from "../../src/jinja.ts";

interface Hostile {
  readonly name: string;
  readonly source: string;
  readonly code: TemplateErrorCode;
  readonly limit?: string;
  /** Ended by the clock. */
  readonly isSlow?: boolean;
}

const LIST = "{% set ns = namespace(a=['x']) %}{% for i in range(16) %}{% set ns.a = ns.a + ns.a %}{% endfor %}";
const BIG = (times: number): string =>
  `{% set ns = namespace(a='0123456789') %}{% for i in range(${times}) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}`;
const TEXT = BIG(17);
const DEEP_LIST = "{% set ns = namespace(a=['x']) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}";

const limit = (name: string, source: string, of: string): Hostile => ({
  name,
  source,
  code: "E_TEMPLATE_LIMIT",
  limit: of,
});

const slow = (name: string, source: string): Hostile => ({ ...limit(name, source, "time"), isSlow: true });

export const HOSTILE: readonly Hostile[] = [
  limit("a long range", "{% for i in range(100000) %}x{% endfor %}", "range"),
  limit("a range that never ends", "{{ range(0, 10, -1) }}{{ range(0, 99999999999999999999999) }}", "range"),
  limit("loops in loops", "{% set r = range(4096) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}", "steps"),
  limit(
    "loops that say something",
    "{% for i in range(4096) %}{% for j in range(4096) %}x{% endfor %}{% endfor %}",
    "memory",
  ),
  limit("a text doubled", BIG(40), "text"),
  limit(
    "a list doubled",
    "{% set ns = namespace(a=['x']) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
    "items",
  ),
  limit("a list of lists doubled", DEEP_LIST, "items"),
  limit(
    "mappings doubled",
    "{% set ns = namespace(a={'b': 1}) %}{% for i in range(40) %}{% set ns.a = {'b': ns.a, 'c': ns.a} %}{% endfor %}",
    "items",
  ),
  limit("a namespace in itself", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}", "text"),
  {
    name: "a namespace in itself as JSON",
    source: "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns | tojson }}",
    code: "E_TEMPLATE_DEPTH",
  },
  limit(
    "many texts kept",
    `{% set ns = namespace(l=[]) %}${"{% set ns.l = ns.l + ['x'] %}".repeat(3)}{% for i in range(4096) %}{% for j in range(64) %}{% set ns.l = ns.l + ['x', 'y', 'z'] %}{% endfor %}{% endfor %}`,
    "memory",
  ),
  limit(
    "long texts kept",
    `${BIG(18)}{% set ns.l = [] %}{% for i in range(4096) %}{% set ns.l = ns.l + [ns.a | upper] %}{% endfor %}`,
    "memory",
  ),
  limit("long texts on the way", `${BIG(18)}{{ [${"ns.a|upper,".repeat(5000)}] | length }}`, "memory"),
  limit("a text replaced by a longer one", `${BIG(14)}{{ ns.a | replace('0', ns.a) }}`, "text"),
  limit("the same by its method", `${BIG(14)}{{ ns.a.replace('0', ns.a) }}`, "text"),
  limit("a text joined", `${BIG(14)}{{ ns.a | join(ns.a) }}`, "text"),
  limit("a list joined", `${LIST}${BIG(10).replaceAll("ns", "n2")}{{ ns.a | join(n2.a) }}`, "text"),
  limit("a text split", `${TEXT}{{ ns.a.split('0') | length }}`, "items"),
  limit("methods by their names", `${TEXT}{{ ns.a['split']('0') | length }}`, "items"),
  limit("a list printed", `${LIST}{{ ns.a }}{{ [ns.a, 'x'] ~ 'x' }}${"{{ ns.a }}".repeat(200)}`, "memory"),
  limit("a list as JSON", `${LIST}${"{{ ns.a | tojson }}".repeat(200)}`, "memory"),
  limit(
    "a list of long texts printed",
    `${BIG(14)}{% set l = [ns.a, ns.a, ns.a, ns.a, ns.a, ns.a, ns.a, ns.a] %}{{ l }}`,
    "text",
  ),
  limit(
    "the same compared with a text",
    `${BIG(14)}{% set l = [ns.a, ns.a, ns.a, ns.a, ns.a, ns.a, ns.a, ns.a] %}{{ l == 'x' }}`,
    "text",
  ),
  { name: "a wide indent", source: "{{ 'a\nb' | indent(999999999) }}", code: "E_TEMPLATE_RAISED" },
  { name: "a wide indent of JSON", source: "{{ [1] | tojson(indent=999999999) }}", code: "E_TEMPLATE_RAISED" },
  limit("a text turned round", `${TEXT}{{ ns.a[::-1] }}`, "text"),
  slow(
    "a text searched",
    `${TEXT}{% set r = range(4096) %}{% for i in r %}{% for j in r %}{% if 'x' in ns.a %}{% endif %}{% endfor %}{% endfor %}`,
  ),
  limit("a list sorted", `${LIST}{% for i in range(4096) %}{% set x = ns.a | sort %}{% endfor %}`, "memory"),
  slow(
    "a list searched",
    `${LIST}{% for i in range(4096) %}{% for j in range(40) %}{% if 'y' in ns.a %}{% endif %}{% endfor %}{% endfor %}`,
  ),
  limit(
    "keys of a mapping",
    `{% set d = {${Array.from({ length: 4000 }, (_, i) => `'k${i}':1,`).join("")}} %}{% for i in range(4096) %}{% for k, v in d.items() %}{% endfor %}{% endfor %}`,
    "memory",
  ),
  limit(
    "macros defined",
    `{% for i in range(4096) %}{% macro m() %}${"{{ x }}".repeat(20_000)}{% endmacro %}{% endfor %}`,
    "steps",
  ),
  limit("a long template", "x".repeat(300_000), "source"),
  limit("a template of spaces", `{{ x }}${" ".repeat(200_000)}`, "source"),
  {
    name: "a macro that calls itself",
    source: "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    code: "E_TEMPLATE_DEPTH",
  },
  {
    name: "macros that call each other twice",
    source: "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(40) }}",
    code: "E_TEMPLATE_LIMIT",
  },
  { name: "parentheses", source: `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`, code: "E_TEMPLATE_DEPTH" },
  {
    name: "conditions",
    source: `${"{% if true %}".repeat(3000)}${"{% endif %}".repeat(3000)}`,
    code: "E_TEMPLATE_DEPTH",
  },
  { name: "a long sum", source: `{{ ${"1+".repeat(60_000)}1 }}`, code: "E_TEMPLATE_DEPTH" },
  { name: "nots", source: `{{ ${"not ".repeat(60_000)}1 }}`, code: "E_TEMPLATE_DEPTH" },
  { name: "brackets", source: `{{ ${"[".repeat(60_000)}${"]".repeat(60_000)} }}`, code: "E_TEMPLATE_DEPTH" },
  { name: "no end", source: "{{ 'a", code: "E_TEMPLATE_SYNTAX" },
  { name: "no end of a block", source: "{% if a %}", code: "E_TEMPLATE_SYNTAX" },
  { name: "a constructor", source: "{{ ''.constructor.constructor('return process')() }}", code: "E_TEMPLATE_RAISED" },
  { name: "a prototype", source: "{{ {}['__proto__']['constructor']() }}", code: "E_TEMPLATE_RAISED" },
  { name: "a filter that is none", source: "{{ 'a' | nonsense }}", code: "E_TEMPLATE_RAISED" },
  { name: "a break without a loop", source: "{% break %}", code: "E_TEMPLATE_RAISED" },
  { name: "what it raises", source: "{{ raise_exception('not\u001b[2J so') }}", code: "E_TEMPLATE_RAISED" },
];
