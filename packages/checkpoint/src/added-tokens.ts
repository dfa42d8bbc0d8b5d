// added_tokens.json: an object that maps the text of a token to its id.

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import { openConfig, readInteger } from "./config-fields.ts";

/** Text → id, in file order. @throws CheckpointError `E_JSON`, `E_FIELD`, `E_DUP` or `E_LIMIT`. */
export async function readAddedTokens(
  source: ByteSource,
  options: BudgetOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const json = await openConfig(source, options);
  const ids = new Map<string, number>();
  json.object((text) => ids.set(text, readInteger(json, text, 0)));
  json.end();
  return ids;
}
