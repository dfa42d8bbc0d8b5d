// A small validator of JSON schemas, for the keywords that the converter knows: it shares nothing with it.

type Schema = Readonly<Record<string, unknown>>;

export function isValid(document: unknown, schema: unknown, value: unknown): boolean {
  if (typeof schema === "boolean") return schema;
  const s = schema as Schema;
  const valid = (one: unknown, inner: unknown) => isValid(document, one, inner);
  if (s["$ref"] !== undefined && !valid(follow(document, s["$ref"] as string), value)) return false;
  if (s["type"] !== undefined && ![s["type"]].flat().some((type) => isOfType(value, type as string))) return false;
  if ("const" in s && !same(s["const"], value)) return false;
  if (s["enum"] !== undefined && !(s["enum"] as unknown[]).some((one) => same(one, value))) return false;
  if (s["anyOf"] !== undefined && !(s["anyOf"] as unknown[]).some((one) => valid(one, value))) return false;
  if (s["oneOf"] !== undefined && (s["oneOf"] as unknown[]).filter((one) => valid(one, value)).length !== 1)
    return false;
  if (s["allOf"] !== undefined && !(s["allOf"] as unknown[]).every((one) => valid(one, value))) return false;
  const within = (n: number, least: string, most: string) =>
    n >= ((s[least] as number) ?? 0) && n <= ((s[most] as number) ?? Number.POSITIVE_INFINITY);
  if (typeof value === "number") {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = s as Record<string, number | undefined>;
    if (minimum !== undefined && value < minimum) return false;
    if (maximum !== undefined && value > maximum) return false;
    if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return false;
    if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return false;
  }
  if (typeof value === "string") {
    if (s["pattern"] !== undefined && !new RegExp(s["pattern"] as string, "u").test(value)) return false;
    return within([...value].length, "minLength", "maxLength");
  }
  if (Array.isArray(value)) {
    const first = (s["prefixItems"] ?? []) as unknown[];
    if (!within(value.length, "minItems", "maxItems")) return false;
    return value.every((one, i) =>
      i < first.length ? valid(first[i], one) : s["items"] === undefined || valid(s["items"], one),
    );
  }
  if (typeof value !== "object" || value === null) return true;
  const properties = (s["properties"] ?? {}) as Schema;
  if (((s["required"] ?? []) as string[]).some((name) => !Object.hasOwn(value, name))) return false;
  const patterns = Object.entries((s["patternProperties"] ?? {}) as Schema);
  return Object.entries(value).every(([name, one]) => {
    if (s["propertyNames"] !== undefined && !valid(s["propertyNames"], name)) return false;
    const fitting = patterns.filter(([pattern]) => new RegExp(pattern, "u").test(name));
    if (!fitting.every(([, inner]) => valid(inner, one))) return false;
    if (Object.hasOwn(properties, name)) return valid(properties[name], one);
    return fitting.length > 0 || valid(s["additionalProperties"] ?? true, one);
  });
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
      return Number.isFinite(value);
    case "string":
      return typeof value === "string";
    default:
      return typeof value === "boolean" && type === "boolean";
  }
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** Objects as sorted lists of pairs. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return {
    pairs: Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  };
}

export function follow(document: unknown, reference: string): unknown {
  return reference
    .split("/")
    .slice(1)
    .reduce((at, step) => (at as Schema)[step.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}
