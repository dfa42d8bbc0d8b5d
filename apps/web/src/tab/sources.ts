// The bytes of a place.

import { type ByteSource, httpSource } from "@ll/bytes";
import type { Place } from "./jobs.ts";
import { fileSource } from "./picked-folder.ts";

/** In the order of their names, as the files of a set are numbered. @throws IoError for an address that does not give the file */
export async function sourcesOf(place: Place): Promise<readonly ByteSource[]> {
  if ("url" in place) return [await httpSource(place.url)];
  return [...place.files].sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ file }) => fileSource(file));
}
