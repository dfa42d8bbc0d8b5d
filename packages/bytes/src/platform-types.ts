// Types of the platform for the declarations of all packages: with the DOM library or @types/node they are the global ones,
// without both they are `unknown`, so that no package asks its users for either.

type GlobalValue<Name extends string> = typeof globalThis extends { readonly [Key in Name]: infer Value }
  ? Value
  : unknown;
type GlobalClass<Name extends string> =
  GlobalValue<Name> extends { readonly prototype: infer Instance } ? Instance : unknown;

export type AbortSignal = GlobalClass<"AbortSignal">;
export type Blob = GlobalClass<"Blob">;
export type Fetch = GlobalValue<"fetch">;
export type Headers = GlobalClass<"Headers">;
export type Request = GlobalClass<"Request">;
export type Response = GlobalClass<"Response">;
export type URL = GlobalClass<"URL">;
