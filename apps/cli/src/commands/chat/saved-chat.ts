// Saved conversations: a JSON file with the template, the turns and the state of the random numbers, so that a conversation that
// is resumed goes on as it would have. Such a file may come from anywhere: it is checked before it is used.

import { FormatError } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import {
  array,
  type GenericSchema,
  integer,
  literal,
  maxLength,
  maxValue,
  minValue,
  number,
  pipe,
  safeParse,
  strictObject,
  string,
  tuple,
} from "valibot";
import type { Turn } from "./conversation.ts";
import { readSmallFile } from "./small-file.ts";
import { TEMPLATE_SCHEMA, type Template } from "./template.ts";

const FORMAT_VERSION = 1;

const MAX_TURNS = 10_000;
const MAX_TEXT_CHARS = 1024 * 1024;
/** An engine's state has 625 decimal numbers. */
const MAX_RNG_CHARS = 8 * 1024;

const text = pipe(string(), maxLength(MAX_TEXT_CHARS));
const id = pipe(number(), integer(), minValue(0), maxValue(2 ** 31 - 1));

export interface SavedChat {
  readonly program: "ll-chat";
  readonly version: 1;
  readonly template: Template;
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
  template: TEMPLATE_SCHEMA,
  system: text,
  settings: pipe(array(tuple([text, text])), maxLength(100)),
  seed: pipe(number(), integer(), minValue(0), maxValue(2 ** 32 - 1)),
  rng: pipe(string(), maxLength(MAX_RNG_CHARS)),
  turns: pipe(
    array(strictObject({ user: text, answer: text, ids: pipe(array(id), maxLength(MAX_TEXT_CHARS)) })),
    maxLength(MAX_TURNS),
  ),
});

export async function writeSavedChat(path: string, chat: Omit<SavedChat, "program" | "version">): Promise<void> {
  const content: SavedChat = { program: "ll-chat", version: FORMAT_VERSION, ...chat };
  const bytes = new TextEncoder().encode(`${JSON.stringify(content)}\n`);
  const out = await createOutFile(path, { inputs: [], isPrivate: true, expectedBytes: bytes.byteLength });
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
