// The bytes of a place.

import type { ByteSource } from "@ll/bytes";
import type { Place } from "./jobs.ts";
import { fileSource } from "./picked-folder.ts";
import type { PlacedFile } from "./remote-files.ts";

/** In the order of their names, as the files of a set are numbered. @throws IoError, HubError for an address that does not give the file */
export async function filesOf(place: Place): Promise<readonly PlacedFile[]> {
  if ("url" in place) return (await import("./remote-files.ts")).remoteFiles(place.url);
  const files = [...place.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return files.map(({ file }) => ({ source: fileSource(file), sha256: undefined }));
}

/** @throws as `filesOf` */
export async function sourcesOf(place: Place): Promise<readonly ByteSource[]> {
  return (await filesOf(place)).map(({ source }) => source);
}
