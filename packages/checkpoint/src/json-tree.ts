// A configuration file as a whole, for what reads more of it than a list of members.

import { type BudgetOptions, type ByteSource, headerBudget } from "@ll/bytes";
import { FORBIDDEN_KEYS, openConfig } from "./config-fields.ts";
import { CheckpointError } from "./errors.ts";
import type { JsonReader } from "./json-reader.ts";
import { CONFIG_VALUES } from "./limits.ts";

export type JsonTree = string | number | boolean | null | readonly JsonTree[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonTree>;

/** A JSON file whose value is an object. @throws CheckpointError `E_JSON`, `E_DUP`, `E_FIELD`, `E_LIMIT` */
export async function readJsonObject(source: ByteSource, options: BudgetOptions = {}): Promise<JsonObject> {
  const budget = options.budget ?? headerBudget(source.byteLength, source.name, CheckpointError);
  const json = await openConfig(source, { budget, forbiddenKeys: FORBIDDEN_KEYS });
  let nValues = 0;
  const take = (): JsonTree => {
    budget.takeItems(1, "json");
    if (++nValues > CONFIG_VALUES) {
      const expected = `at most ${CONFIG_VALUES} values`;
      throw json.error("E_LIMIT", "too many values for a configuration", { field: "json", expected, got: "more" });
    }
    return treeOf(json, take);
  };
  const value = take();
  json.end();
  return value as JsonObject; // openConfig has seen that it is one
}

function treeOf(json: JsonReader, take: () => JsonTree): JsonTree {
  const kind = json.peek();
  if (kind === "object") {
    const members = new Map<string, JsonTree>();
    json.object((key) => members.set(key, take()));
    return members;
  }
  if (kind === "array") {
    const items: JsonTree[] = [];
    json.array(() => items.push(take()));
    return items.slice(); // without the room that it was given to grow
  }
  const value = json.read();
  switch (value.kind) {
    case "string":
      return value.text;
    case "number":
      return Number(value.digits);
    case "boolean":
      return value.value;
    default:
      return null;
  }
}

export function isJsonObject(value: JsonTree | undefined): value is JsonObject {
  return value instanceof Map;
}
