// Saved conversations: a JSON file with the template, the turns and the state of the random numbers, so that a conversation that
// is resumed goes on as it would have. Such a file may come from anywhere: it is checked before it is used.

import { FormatError } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import type { Turn } from "@ll/chat/conversation";
import {
  array,
  custom,
  type GenericSchema,
  integer,
  lazy,
  literal,
  maxLength,
  maxValue,
  minValue,
  number,
  optional,
  pipe,
  rawCheck,
  safeParse,
  strictObject,
  string,
  transform,
  tuple,
} from "valibot";
import { readSmallFile } from "../../whole-file.ts";
import { FILE_TEMPLATE, type PatternTemplate, TEMPLATE_SCHEMA } from "./template.ts";

const FORMAT_VERSION = 1;

const MAX_TURNS = 10_000;
const MAX_TEXT_CHARS = 1024 * 1024;
/** An engine's state has 625 decimal numbers. */
const MAX_RNG_CHARS = 8 * 1024;

const text = pipe(string(), maxLength(MAX_TEXT_CHARS));
/** What earlier versions wrote beside an answer: the text says it all. Checked in one loop: a file may hold eight million ids, for each of which a schema of its own takes half a microsecond. */
const ids = pipe(
  custom<readonly number[]>(Array.isArray, "expected a list of ids"),
  maxLength(MAX_TEXT_CHARS),
  rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value as number[];
    const key = input.findIndex((id) => !Number.isInteger(id) || id < 0 || id > 2 ** 31 - 1);
    if (key === -1) return;
    const path = [{ type: "array", origin: "value", input, key, value: input[key] }] as const;
    addIssue({ message: "expected an id of a token", path: [...path] });
  }),
);

export interface SavedChat {
  readonly program: "ll-chat";
  readonly version: 1;
  /** "file": that of the model's file. */
  readonly template: PatternTemplate | typeof FILE_TEMPLATE;
  readonly system: string;
  /** Options and values that were not the default. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly seed: number;
  /** As `exportState` of @ll/sampling gives it. */
  readonly rng: string;
  readonly turns: readonly Turn[];
}

const SAVED_SCHEMA: GenericSchema<unknown, SavedChat> = strictObject({
  program: literal("ll-chat"),
  version: literal(FORMAT_VERSION),
  template: lazy((template) => (template === FILE_TEMPLATE ? literal(FILE_TEMPLATE) : TEMPLATE_SCHEMA)),
  system: text,
  settings: pipe(array(tuple([text, text])), maxLength(100)),
  seed: pipe(number(), integer(), minValue(0), maxValue(2 ** 32 - 1)),
  rng: pipe(string(), maxLength(MAX_RNG_CHARS)),
  turns: pipe(
    array(
      pipe(
        strictObject({ user: text, reasoning: optional(text), answer: text, ids: optional(ids) }),
        transform(({ ids: _, ...turn }) => turn),
      ),
    ),
    maxLength(MAX_TURNS),
  ),
});

/** Which files a saved conversation may not or may replace. */
export interface SaveOptions {
  /** Files that the chat was made of: none of them is replaced. */
  readonly inputs: readonly string[];
  /** Replace a file that is there already. */
  readonly replace: boolean;
}

/**
 * For its owner's eyes only, as a diary is.
 * @throws IoError `E_SAME_FILE` for one of the inputs, `E_EXISTS` for a file that may not be replaced
 */
export async function writeSavedChat(
  path: string,
  chat: Omit<SavedChat, "program" | "version">,
  { inputs, replace }: SaveOptions,
): Promise<void> {
  const content: SavedChat = { program: "ll-chat", version: FORMAT_VERSION, ...chat };
  const bytes = new TextEncoder().encode(`${JSON.stringify(content)}\n`);
  const out = await createOutFile(path, {
    expectedBytes: bytes.byteLength,
    inputs,
    noClobber: !replace,
    isPrivate: true,
  });
  try {
    await out.write(bytes);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
}

/** @throws FormatError `E_SESSION` for a file that holds no conversation; IoError */
export async function readSavedChat(file: string): Promise<SavedChat> {
  const content = await readSmallFile(file);
  const fail = (message: string, field?: string): FormatError =>
    new FormatError({ code: "E_SESSION", file, message, ...(field === undefined ? {} : { field }) });
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw fail(`no saved conversation: ${(error as Error).message}`);
  }
  const parsed = safeParse(SAVED_SCHEMA, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw fail(`no saved conversation: ${issue.message}`, issue.path?.map(({ key }) => String(key)).join("."));
}
