// Schemas of any library: JSON schema as an object, or what speaks Standard JSON Schema (https://standardschema.dev).

/** A JSON schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Validated<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
}

/** What zod 4.6 and others have; valibot by `toStandardJsonSchema` of @valibot/to-json-schema. */
export interface StandardJsonSchema<T = unknown> {
  readonly "~standard": {
    readonly jsonSchema: { readonly input: (options: { readonly target: string }) => Record<string, unknown> };
    readonly validate?: (value: unknown) => Validated<T> | Promise<Validated<T>>;
    readonly types?: { readonly output: T } | undefined;
  };
}

export type Schema<T = unknown> = JsonSchema | StandardJsonSchema<T>;

/** The type of what a schema admits; unknown for plain JSON schemas. */
export type SchemaOutput<S> = S extends { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer T }
    ? T
    : unknown
  : unknown;

function standardOf(schema: Schema): StandardJsonSchema["~standard"] | undefined {
  // some libraries make schemas that are functions
  const isThing = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  const standard = isThing ? (schema as StandardJsonSchema)["~standard"] : undefined;
  return typeof standard === "object" ? standard : undefined;
}

/** @throws TypeError for what is no schema */
export function jsonSchemaOf(schema: Schema): JsonSchema {
  const standard = standardOf(schema);
  if (standard !== undefined) {
    if (typeof standard.jsonSchema?.input !== "function") {
      throw new TypeError(`"schema" expected one that gives a JSON schema: its library has a converter for that`);
    }
    return standard.jsonSchema.input({ target: "draft-2020-12" });
  }
  if (typeof schema !== "object" || schema === null) throw new TypeError(`"schema" expected an object`);
  return schema as JsonSchema;
}

/** Of a tool's arguments: of an object, also where it does not say so. Beside a reference or alternatives a type would not be heeded. */
export function argumentsSchema(schema: Schema = { additionalProperties: false }): JsonSchema {
  const json = jsonSchemaOf(schema);
  return "$ref" in json || "anyOf" in json || "oneOf" in json ? json : { type: "object", ...json };
}

/** What the schema's library makes of a value; the value itself for a plain JSON schema. @throws TypeError with its issues */
export async function validated(schema: Schema, value: unknown): Promise<unknown> {
  const checked = await standardOf(schema)?.validate?.(value);
  if (checked === undefined) return value;
  if (checked.issues === undefined) return checked.value;
  throw new TypeError(checked.issues.map(({ message }) => message).join("; "));
}
