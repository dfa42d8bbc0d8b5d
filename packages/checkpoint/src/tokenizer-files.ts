// What a folder has about the vocabulary of its model, whole; @ll/tokenizer makes a vocabulary of it.

import { CheckpointError } from "./errors.ts";
import { TEMPLATE_BYTES, TEMPLATES, TOKENIZER_BYTES } from "./limits.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Names of the files. */
export const TOKENIZER_FILES = {
  tokenizerModel: "tokenizer.model",
  tokenizerJson: "tokenizer.json",
  tekkenJson: "tekken.json",
  tokenizerConfig: "tokenizer_config.json",
  addedTokens: "added_tokens.json",
  templateJson: "chat_template.json",
} as const;

type TokenizerFile = keyof typeof TOKENIZER_FILES;

/** The `HfTokenizerFiles` of @ll/tokenizer. */
export interface TokenizerFiles extends Readonly<Partial<Record<TokenizerFile, Uint8Array>>> {
  /** chat_template.jinja, as "default", and what is in additional_chat_templates. */
  readonly templates: ReadonlyMap<string, string>;
}

/** @throws CheckpointError `E_LIMIT`; IoError */
export async function readTokenizerFiles(folder: ModelFolder): Promise<TokenizerFiles> {
  const found: Partial<Record<TokenizerFile, Uint8Array>> = {};
  for (const [key, name] of Object.entries(TOKENIZER_FILES)) {
    const bytes = await readIfThere(folder, name, TOKENIZER_BYTES);
    if (bytes !== undefined) found[key as TokenizerFile] = bytes;
  }
  const templates = new Map<string, string>();
  const add = async (place: ModelFolder, file: string, name: string): Promise<void> => {
    const bytes = await readIfThere(place, file, TEMPLATE_BYTES);
    if (bytes !== undefined) templates.set(name, new TextDecoder().decode(bytes));
  };
  await add(folder, "chat_template.jinja", "default");
  const more = folder.folder("additional_chat_templates");
  const others = (await more.list().catch(() => [])).filter((name) => name.endsWith(".jinja")).sort();
  for (const name of others.slice(0, TEMPLATES)) await add(more, name, name.slice(0, -".jinja".length));
  return { ...found, templates };
}

async function readIfThere(folder: ModelFolder, name: string, mostBytes: number): Promise<Uint8Array | undefined> {
  if (!(await folder.has(name))) return undefined;
  const source = await folder.open(name);
  try {
    const { byteLength } = source;
    if (byteLength > mostBytes) {
      throw new CheckpointError({
        code: "E_LIMIT",
        file: source.name,
        offset: 0,
        field: "file",
        expected: `at most ${mostBytes} bytes`,
        got: byteLength,
        message: "too large for a file about the vocabulary",
      });
    }
    const bytes = new Uint8Array(byteLength);
    await source.read(0, bytes);
    return bytes;
  } finally {
    await source.close();
  }
}
