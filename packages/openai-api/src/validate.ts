// Checks the body of a request against a schema; what is refused names its place.

import * as v from "valibot";
import { ApiError, unsupported } from "./api-error.ts";
import { type JsonObject, shown } from "./request-body.ts";

/** Arrays are none, which `v.record` alone would take for one. */
export const object: v.GenericSchema<JsonObject> = v.custom<JsonObject>((value) => {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}, "Object");

/**
 * The fields that the schema names; others are ignored.
 * @param refused fields that would change the answer and that nothing here heeds
 * @throws ApiError 400
 */
export function validate<S extends v.GenericSchema>(
  schema: S,
  body: JsonObject,
  refused: readonly string[],
): v.InferOutput<S> {
  const field = refused.find((name) => Object.hasOwn(body, name));
  if (field !== undefined) throw unsupported(field, "is not supported; leave it out");
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = pathOf(issue.path ?? []);
  const isMissing = issue.received === "undefined";
  const expected = issue.type === "custom" ? issue.message : (issue.expected ?? issue.type);
  throw new ApiError({
    status: 400,
    code: isMissing ? "missing_field" : "invalid_value",
    param,
    message: isMissing ? `${param} is missing` : `${param}: expected ${expected}, got ${shown(issue.received)}`,
  });
}

/** `messages[3].content` */
function pathOf(path: readonly { readonly key: unknown }[]): string {
  const text = path.map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "body";
}
