// From the text of a template to a tree that can be evaluated as Python's Jinja would.

import { TemplateError } from "../template-error.ts";
import { type FilterNode, type Node, parseJinja } from "./library.ts";
import { MAX_SOURCE_CHARS, MAX_SPACES, overLimit } from "./limits.ts";

export interface TemplateProgram {
  readonly tree: Node;
  /** Expressions whose value is printed. */
  readonly printed: WeakSet<Node>;
  /** Nodes in the body of a macro or of a call, which the interpreter looks through when it comes to one. */
  readonly sizes: WeakMap<Node, number>;
}

/** What filters take absent values for; Python's take them for nothing. */
const EMPTY: Readonly<Record<string, "text" | "list" | "mapping">> = {
  ...Object.fromEntries(
    ["map", "selectattr", "rejectattr", "select", "reject", "list", "sort"].map((name) => [name, "list"]),
  ),
  ...Object.fromEntries(["unique", "reverse", "first", "last", "length", "count"].map((name) => [name, "list"])),
  ...Object.fromEntries(["items", "dictsort"].map((name) => [name, "mapping"])),
  ...Object.fromEntries(["trim", "upper", "lower", "title", "capitalize"].map((name) => [name, "text"])),
  ...Object.fromEntries(["indent", "replace", "string", "join", "int", "float", "safe"].map((name) => [name, "text"])),
};

/** @throws TemplateError `E_TEMPLATE_SYNTAX`, `E_TEMPLATE_LIMIT`, `E_TEMPLATE_DEPTH` */
export function parseTemplate(source: string): TemplateProgram {
  if (source.length > MAX_SOURCE_CHARS) overLimit("source");
  for (const { 0: spaces } of source.matchAll(/\s+/g)) if (spaces.length > MAX_SPACES) overLimit("source");
  const printed = new WeakSet<Node>();
  const sizes = new WeakMap<Node, number>();
  try {
    const tree = parseJinja(source);
    complete(tree, { printed, sizes });
    return { tree, printed, sizes };
  } catch (error) {
    throw templateError(error, "E_TEMPLATE_SYNTAX");
  }
}

/** The same error of a type that says what it is about. */
export function templateError(error: unknown, code: "E_TEMPLATE_SYNTAX" | "E_TEMPLATE_RAISED"): TemplateError {
  if (error instanceof TemplateError) return error;
  const { name, message } = error as Error;
  const isDepth = name === "InternalError" || (error instanceof RangeError && /stack/i.test(message));
  if (isDepth) return new TemplateError("E_TEMPLATE_DEPTH", "the chat template is nested too deeply", { cause: error });
  const what = code === "E_TEMPLATE_SYNTAX" ? "the chat template cannot be read" : "the chat template fails";
  return new TemplateError(code, `${what}: ${String(message).slice(0, 400)}`, { cause: error });
}

/** Gives defaults to what may be absent, and finds what `TemplateProgram` lists. @returns nodes below and with this one */
function complete(node: Node, found: Pick<TemplateProgram, "printed" | "sizes">): number {
  const own = node as unknown as Record<string, unknown>;
  let size = 1;
  const visit = (child: unknown): void => {
    if (Array.isArray(child)) for (const one of child) visit(one);
    else if (child instanceof Map) for (const pair of child) visit(pair);
    else if (isNode(child)) size += complete(child, found);
  };
  for (const [key, child] of Object.entries(own)) {
    visit(child);
    const isBody = key === "body" || key === "alternate" || key === "defaultBlock";
    if (isBody) for (const one of child as Node[]) found.printed.add(one);
  }
  if (node.type === "For") {
    const iterable = own["iterable"] as Node & { lhs: Node };
    if (iterable.type === "SelectExpression") (iterable as { lhs: Node }).lhs = withDefault(iterable.lhs, "list");
    else own["iterable"] = withDefault(iterable, "list");
  }
  if (node.type === "FilterExpression") {
    const { filter, operand } = node as FilterNode;
    const name = filter.callee?.value ?? filter.value ?? "";
    if (Object.hasOwn(EMPTY, name)) own["operand"] = withDefault(operand, EMPTY[name] as "text");
  }
  if (node.type === "Macro" || node.type === "CallStatement") found.sizes.set(node, size);
  return size;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** `operand | default("")`, or an empty list or mapping. */
function withDefault(operand: Node, kind: "text" | "list" | "mapping"): FilterNode {
  const empty = {
    text: { type: "StringLiteral", value: "" },
    list: { type: "ArrayLiteral", value: [] },
    mapping: { type: "ObjectLiteral", value: new Map() },
  }[kind];
  const filter = { type: "CallExpression", callee: { type: "Identifier", value: "default" }, args: [empty] };
  return { type: "FilterExpression", operand, filter };
}
