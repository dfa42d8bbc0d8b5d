// What of @huggingface/jinja is used, with types: its own cannot be resolved by a compiler that asks for file extensions. Its classes of
// values and nodes are not exported: both are known by their `type`.

import * as jinja from "@huggingface/jinja";

/** What the interpreter hands on. */
export interface Value {
  readonly type: string;
  readonly value: unknown;
}

/** What it evaluates: a node of the tree. */
export interface Node {
  readonly type: string;
}

/** The variables that a node sees. */
export interface Scope {
  /** Declares a variable for plain data, or for a function of such. */
  set(name: string, value: unknown): Value;
}

interface JinjaInterpreter {
  readonly global: Scope;
  /** Every node goes through it; nothing is undefined. */
  evaluate(node: Node | undefined, scope: Scope): Value;
}

export const Environment: new () => Scope = jinja.Environment;
export const Interpreter: new (global: Scope) => JinjaInterpreter = jinja.Interpreter as unknown as new (
  global: Scope,
) => JinjaInterpreter;

/** @throws Error, RangeError */
export function parseJinja(source: string): Node {
  return jinja.parse(jinja.tokenize(source, { lstrip_blocks: true, trim_blocks: true })) as Node;
}

/** `operand | name(args)` */
export interface FilterNode extends Node {
  readonly operand: Node;
  readonly filter: Node & {
    readonly value?: string;
    readonly callee?: Node & { readonly value: string };
    readonly args?: readonly Node[];
  };
}

/** `object.property`, or `object[property]` if it is computed; slices are a property. */
export interface MemberNode extends Node {
  readonly object: Node;
  readonly property: Node & { readonly value?: string | number };
  readonly computed: boolean;
}

export interface SliceNode extends Node {
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}

export interface BinaryNode extends Node {
  readonly operator: { readonly value: string };
  readonly left: Node;
  readonly right: Node;
}

/** A value of templates for one of ours: strings, numbers, lists, mappings, functions of such. */
export function wrapped(value: unknown): Value {
  return new Environment().set("value", value);
}

export function textOf(value: Value): string | undefined {
  return value.type === "StringValue" ? (value.value as string) : undefined;
}

export function listOf(value: Value): readonly Value[] | undefined {
  return Array.isArray(value.value) ? (value.value as Value[]) : undefined;
}

export function mappingOf(value: Value): ReadonlyMap<string, Value> | undefined {
  return value.value instanceof Map ? (value.value as Map<string, Value>) : undefined;
}
