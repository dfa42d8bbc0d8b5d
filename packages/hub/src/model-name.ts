// Names of models: a path, an address, or a repository on the Hugging Face hub.

import { HubError } from "./errors.ts";

export type ModelName =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | HubName;

/** A repository, and what of it. */
export interface HubName {
  readonly kind: "hub";
  /** `OWNER/REPO` */
  readonly repo: string;
  /** Branch, tag or commit; undefined: `main`. */
  readonly revision: string | undefined;
  /** A kind of quantisation such as `Q4_K_M`, or a file; undefined: the usual choice. */
  readonly selector: string | undefined;
  /** The selector if the `@` in the name belongs to a file: it is looked for first. */
  readonly literal: string | undefined;
}

const HUB_HOSTS: ReadonlySet<string> = /* @__PURE__ */ new Set(["huggingface.co", "hf.co", "www.huggingface.co"]);
const SCHEME = /^(?:hf:(?:\/\/)?|huggingface:(?:\/\/)?|(?:hf\.co|huggingface\.co)\/)(?:models\/)?/i;

/** Characters of a repository's name. */
const REPO_CHARS = 256;
const PART = /^[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*$/;
/** Longest revision or selector. */
const TEXT_CHARS = 1024;

/**
 * `hf:OWNER/REPO`, with `:QUANT`, `:FILE` or `/PATH` and `@REVISION` behind it, in any order; `hf://OWNER/REPO@REVISION/PATH`; web
 * addresses of the hub; other `http://` and `https://` addresses; anything else is a path.
 * @throws HubError `E_NAME` for what begins like a name on the hub and is none
 */
export function parseModelName(text: string): ModelName {
  if (/^https?:\/\//i.test(text)) return webName(text);
  const scheme = SCHEME.exec(text)?.[0];
  if (scheme === undefined) return { kind: "path", path: text };
  const [, owner = "", rest = ""] = /^([^/]*)\/?(.*)$/s.exec(text.slice(scheme.length)) ?? [];
  const [, repo = "", mark = "", tail = ""] = /^([^/:@]*)([/:@]?)(.*)$/s.exec(rest) ?? [];
  const id = checkedRepo(`${owner}/${repo}`, text);
  if (mark === "@") {
    // a revision may have slashes; in the form with // a path stands behind it, and it has none
    const pattern = scheme.includes("//") ? /^([^/]*)(?:\/(.*))?$/s : /^([^:]*)(?::(.*))?$/s;
    const [, revision = "", selector] = pattern.exec(tail) ?? [];
    return hubName(text, id, revision, selector);
  }
  const at = tail.lastIndexOf("@");
  if (at <= 0) return hubName(text, id, undefined, mark === "" ? undefined : tail);
  return { ...hubName(text, id, tail.slice(at + 1), tail.slice(0, at)), literal: tail };
}

function webName(text: string): ModelName {
  if (!URL.canParse(text)) throw badName(text, "an address");
  const url = new URL(text);
  if (!HUB_HOSTS.has(url.hostname)) return { kind: "url", url: text };
  const [owner = "", repo = "", what, revision, ...path] = url.pathname.slice(1).split("/").map(decodePart);
  if (["api", "datasets", "spaces"].includes(owner)) return { kind: "url", url: text };
  const id = checkedRepo(`${owner}/${repo}`, text);
  if (what === undefined || what === "") return hubName(text, id, undefined, undefined);
  if (!["blob", "resolve", "tree", "raw"].includes(what))
    throw badName(text, "the address of a repository or of a file in it");
  return hubName(text, id, revision, path.length === 0 ? undefined : path.join("/"));
}

function hubName(text: string, repo: string, revision: string | undefined, selector: string | undefined): HubName {
  for (const part of [revision, selector]) {
    if (part === undefined) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: names with control characters are refused
    if (part === "" || part.length > TEXT_CHARS || /[\x00-\x1f\x7f]/.test(part))
      throw badName(text, "hf:OWNER/REPO:QUANT@REVISION");
  }
  return { kind: "hub", repo, revision, selector, literal: undefined };
}

function checkedRepo(id: string, text: string): string {
  const isValid =
    id.length <= REPO_CHARS && id.split("/").length === 2 && id.split("/").every((part) => PART.test(part));
  if (!isValid) throw badName(text, "hf:OWNER/REPO, such as hf:Qwen/Qwen3-0.6B-GGUF:Q8_0");
  return id;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function badName(name: string, expected: string): HubError {
  return new HubError({ code: "E_NAME", message: `${name} is no name of a model`, hint: `expected ${expected}` });
}
