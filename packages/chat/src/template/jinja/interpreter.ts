// The interpreter of @huggingface/jinja within limits: operands are evaluated first, what comes of them is foreseen, then it does its work.

import { TemplateError } from "../template-error.ts";
import {
  type BinaryNode,
  type FilterNode,
  Interpreter,
  listOf,
  type MemberNode,
  mappingOf,
  type Node,
  type Scope,
  type SliceNode,
  textOf,
  type Value,
  wrapped,
} from "./library.ts";
import { type Allowance, MAX_DEPTH, MAX_ITEMS, MAX_LIST_CHARS, MAX_TEXT_CHARS, overLimit } from "./limits.ts";
import type { TemplateProgram } from "./program.ts";
import { replaced, slicedText, splitText } from "./text-methods.ts";
import { type JsonStyle, toJson } from "./to-json.ts";

/** Bytes of a value and of a place in a list or mapping, and of the methods of a text or mapping. */
const VALUE_BYTES = 64;
const METHODS_BYTES = 3072;

const MAX_INDENT = 256;

/** Filters that look at no item of a list. */
const CHEAP: readonly string[] = ["default", "length", "first", "last", "list", "safe"];

const MAPPING_METHODS: readonly string[] = ["get", "items", "keys", "values", "dictsort"];

/** What a list or mapping has in it, all the way down. */
interface Weight {
  readonly items: number;
  readonly chars: number;
}

/** Arguments that have their values. */
interface Arguments {
  readonly nodes: Node[];
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

const held = (value: Value): Node & { readonly held: Value } => ({ type: "Held", held: value });

export class LimitedInterpreter extends Interpreter {
  readonly #program: TemplateProgram;
  readonly #allowance: Allowance;
  readonly #weights = new WeakMap<Value, Weight>();
  #depth = 0;

  constructor(program: TemplateProgram, global: Scope, allowance: Allowance) {
    super(global);
    this.#program = program;
    this.#allowance = allowance;
  }

  /** @throws TemplateError; what the interpreter throws */
  render(): string {
    return textOf(this.evaluate(this.#program.tree, this.global)) ?? "";
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    if (node === undefined) return super.evaluate(node, scope);
    if (node.type === "Held") return (node as Node & { held: Value }).held;
    this.#allowance.steps(1);
    if (++this.#depth > MAX_DEPTH)
      throw new TemplateError("E_TEMPLATE_DEPTH", "the chat template is nested too deeply");
    try {
      // first and last of an empty list are no values at all
      const value = this.#evaluate(node, scope) ?? super.evaluate(undefined, scope);
      if (node.type !== "Identifier" && node.type !== "MemberExpression") this.#take(value); // those were there
      if (this.#program.printed.has(node)) this.#assertPrintable(value);
      return value;
    } finally {
      this.#depth--;
    }
  }

  #evaluate(node: Node, scope: Scope): Value | undefined {
    switch (node.type) {
      case "BinaryExpression":
        return this.#binary(node as BinaryNode, scope);
      case "FilterExpression":
        return this.#filter(node as FilterNode, this.evaluate((node as FilterNode).operand, scope), scope);
      case "FilterStatement": {
        const body = { type: "Program", body: (node as Node & { body: Node[] }).body };
        return this.#filter(node as FilterNode, this.evaluate(body, scope), scope);
      }
      case "MemberExpression":
        return this.#member(node as MemberNode, scope);
      case "Macro":
      case "CallStatement":
        this.#allowance.steps(this.#program.sizes.get(node) ?? 0);
        return super.evaluate(node, scope);
      default:
        return super.evaluate(node, scope);
    }
  }

  #binary(node: BinaryNode, scope: Scope): Value {
    const operator = node.operator.value;
    if (operator === "and" || operator === "or") return super.evaluate(node, scope);
    const [left, right] = [this.evaluate(node.left, scope), this.evaluate(node.right, scope)];
    this.#look(left);
    this.#look(right);
    // lists are joined by +, and looked through by in; anywhere else they become texts
    const areLists = operator === "+" && listOf(left) !== undefined && listOf(right) !== undefined;
    if (!areLists && operator !== "in" && operator !== "not in") {
      this.#assertPrintable(left);
      this.#assertPrintable(right);
    }
    return super.evaluate({ ...node, left: held(left), right: held(right) } as Node, scope);
  }

  #filter(node: FilterNode, operand: Value, scope: Scope): Value | undefined {
    const name = node.filter.callee?.value ?? node.filter.value ?? "";
    const args = this.#arguments(node.filter.args ?? [], scope);
    const text = textOf(operand);
    const nItems = listOf(operand)?.length ?? mappingOf(operand)?.size ?? 0;
    if (name === "default") this.#allowance.steps(nItems); // what a loop goes through
    if (!CHEAP.includes(name)) {
      this.#look(operand);
      this.#allowance.work(16 * nItems);
    }
    if (mappingOf(operand) !== undefined && name !== "length") this.#allowance.bytes(4 * VALUE_BYTES * nItems);
    if (name === "tojson") return wrapped(this.#json(operand, args));
    if (name === "string" || name === "join") this.#assertPrintable(operand);
    if (name === "join") this.#assertJoin(operand, args);
    if (name === "indent") this.#assertIndent(text ?? "", args);
    if (name === "replace" && text !== undefined) {
      const [from, to, count = args.named.get("count")] = args.positional;
      return wrapped(replaced(text, from?.value, to?.value, count?.value));
    }
    const filter =
      node.filter.type === "Identifier"
        ? node.filter
        : { type: "CallExpression", callee: node.filter.callee, args: args.nodes };
    return super.evaluate({ type: "FilterExpression", operand: held(operand), filter } as Node, scope);
  }

  #member(node: MemberNode, scope: Scope): Value {
    const object = this.evaluate(node.object, scope);
    if (node.computed && node.property.type === "SliceExpression") return this.#slice(node, object, scope);
    const property = node.computed ? this.evaluate(node.property, scope) : wrapped(node.property.value);
    const name = textOf(property);
    const text = textOf(object);
    if (text !== undefined && name !== undefined) {
      this.#look(object);
      const take = (values: number): void => this.#allowance.bytes(2 * VALUE_BYTES * values);
      if (name === "split") return wrapped((by: unknown, most: unknown) => splitText(text, by, most, take));
      if (name === "replace") return wrapped((from: unknown, to: unknown, n: unknown) => replaced(text, from, to, n));
      this.#allowance.bytes(METHODS_BYTES);
    }
    const mapping = mappingOf(object);
    if (mapping !== undefined && name !== undefined && !mapping.has(name)) {
      if (!MAPPING_METHODS.includes(name)) return super.evaluate(undefined, scope);
      this.#allowance.bytes(METHODS_BYTES + (name === "get" ? 0 : 4 * VALUE_BYTES * mapping.size));
    }
    this.#allowance.bytes(VALUE_BYTES); // a character of a text is a new one
    const known = { type: "MemberExpression", object: held(object), property: held(property), computed: true };
    return super.evaluate(known as Node, scope);
  }

  #slice(node: MemberNode, object: Value, scope: Scope): Value {
    const { start, stop, step } = node.property as SliceNode;
    const [from, to, by] = [start, stop, step].map((part) => this.evaluate(part, scope));
    this.#look(object);
    const text = textOf(object);
    const cut = text === undefined ? undefined : wrapped(slicedText(text, from?.value, to?.value, by?.value));
    if (cut !== undefined) {
      this.#take(cut);
      return cut;
    }
    const bounds = {
      type: "SliceExpression",
      start: held(from as Value),
      stop: held(to as Value),
      step: held(by as Value),
    };
    return super.evaluate({ ...node, object: held(object), property: bounds } as Node, scope);
  }

  /** Literals stay as they are: some filters want to see them. */
  #arguments(nodes: readonly Node[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const known = nodes.map((node): Node => {
      if (node.type === "KeywordArgumentExpression") {
        const { key, value } = node as Node & { key: { value: string }; value: Node };
        const given = this.evaluate(value, scope);
        named.set(key.value, given);
        return { ...node, value: held(given) } as Node;
      }
      if (node.type.endsWith("SpreadExpression")) throw new TypeError("arguments of filters cannot be unpacked");
      const given = this.evaluate(node, scope);
      positional.push(given);
      return node.type === "StringLiteral" ? node : held(given);
    });
    return { nodes: known, positional, named };
  }

  #json(value: Value, { positional, named }: Arguments): string {
    const indent = (positional[0] ?? named.get("indent"))?.value ?? undefined;
    if (
      indent !== undefined &&
      !(Number.isInteger(indent) && (indent as number) >= 0 && (indent as number) <= MAX_INDENT)
    ) {
      throw new TypeError(`"indent" of tojson expected a number up to ${MAX_INDENT}`);
    }
    const separators = listOf(named.get("separators") ?? wrapped(null))?.map((one) => textOf(one) ?? "");
    const style: JsonStyle = {
      indent: indent as number | undefined,
      separators: separators === undefined ? undefined : [separators[0] ?? "", separators[1] ?? ""],
      sortKeys: named.get("sort_keys")?.value === true,
      isAscii: named.get("ensure_ascii")?.value === true,
    };
    let total = 0;
    return toJson(value, style, (chars) => {
      total += chars;
      if (total > MAX_TEXT_CHARS) overLimit("text");
      this.#allowance.work(32);
      this.#allowance.bytes(16 + chars);
    });
  }

  #assertJoin(operand: Value, { positional, named }: Arguments): void {
    const between = textOf(positional[0] ?? named.get("separator") ?? wrapped(""))?.length ?? 0;
    const items = listOf(operand)?.map((item) => textOf(item)?.length ?? this.#weigh(item).chars) ?? [];
    const chars = items.reduce((sum, n) => sum + n + between, (textOf(operand)?.length ?? 0) * (between + 1));
    if (chars > MAX_TEXT_CHARS) overLimit("text");
    this.#allowance.bytes(16 * (textOf(operand)?.length ?? 0));
  }

  #assertIndent(text: string, { positional, named }: Arguments): void {
    const width = (positional[0] ?? named.get("width"))?.value ?? 4;
    if (!(Number.isInteger(width) && (width as number) >= 0 && (width as number) <= MAX_INDENT)) {
      throw new TypeError(`"width" of indent expected a number up to ${MAX_INDENT}`);
    }
    let lines = 1;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
    if (text.length + lines * (width as number) > MAX_TEXT_CHARS) overLimit("text");
    this.#allowance.bytes(VALUE_BYTES * lines);
  }

  /** An operand whose characters or items an operation goes through. */
  #look(value: Value): void {
    this.#allowance.work(textOf(value)?.length ?? listOf(value)?.length ?? 0);
  }

  /** A list or mapping that becomes a text. */
  #assertPrintable(value: Value): void {
    if (listOf(value) === undefined && mappingOf(value) === undefined) return;
    const chars = value.type === "NamespaceValue" ? MAX_LIST_CHARS + 1 : this.#weigh(value).chars;
    if (chars > MAX_LIST_CHARS) overLimit("text");
    this.#allowance.work(chars);
    this.#allowance.bytes(chars);
  }

  /** Counts a value that was made. */
  #take(value: Value): void {
    const text = textOf(value);
    if (text !== undefined) {
      if (text.length > MAX_TEXT_CHARS) overLimit("text");
      this.#allowance.bytes(VALUE_BYTES + 2 * text.length);
    } else if (listOf(value) !== undefined || mappingOf(value) !== undefined) this.#weigh(value);
  }

  /** What is in a list or mapping; the first time, what it keeps is counted. */
  #weigh(value: Value): Weight {
    const known = this.#weights.get(value);
    if (known !== undefined) return known;
    const list = listOf(value);
    const mapping = list === undefined ? mappingOf(value) : undefined;
    let items = 1;
    let chars = textOf(value)?.length ?? 16;
    this.#allowance.bytes(VALUE_BYTES);
    if (list !== undefined || mapping !== undefined) {
      // namespaces change: what is in them is counted where it is made
      if (value.type === "NamespaceValue") return { items, chars };
      this.#weights.set(value, { items, chars }); // nothing but a namespace can hold itself
      for (const [key, item] of (list ?? (mapping as ReadonlyMap<string, Value>)).entries()) {
        const inner = this.#weigh(item);
        items += inner.items;
        chars += inner.chars + (typeof key === "string" ? key.length : 0) + 4;
        if (items > MAX_ITEMS) overLimit("items");
      }
      this.#allowance.work(list?.length ?? 0);
      this.#weights.set(value, { items, chars });
    }
    return { items, chars };
  }
}
