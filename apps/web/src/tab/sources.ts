// The bytes of a place.

import { type ByteSource, httpSource } from "@ll/bytes";
import type { HubName } from "@ll/hub";
import type { Place } from "./jobs.ts";
import { fileSource } from "./picked-folder.ts";

/** A file, and what its contents should hash to, if somebody states it. */
export interface PlacedFile {
  readonly source: ByteSource;
  readonly sha256: string | undefined;
}

/** In the order of their names, as the files of a set are numbered. @throws IoError, HubError for an address that does not give the file */
export async function filesOf(place: Place): Promise<readonly PlacedFile[]> {
  if ("url" in place) return remoteFiles(place.url);
  const files = [...place.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return files.map(({ file }) => ({ source: fileSource(file), sha256: undefined }));
}

/** @throws as `filesOf` */
export async function sourcesOf(place: Place): Promise<readonly ByteSource[]> {
  return (await filesOf(place)).map(({ source }) => source);
}

async function remoteFiles(url: string): Promise<readonly PlacedFile[]> {
  const { parseModelName } = await import("@ll/hub");
  const name = parseModelName(url);
  if (name.kind === "hub") return hubFiles(name);
  return [{ source: await httpSource(url), sha256: undefined }];
}

/** Where they lie: what is read of them is fetched. */
async function hubFiles(name: HubName): Promise<readonly PlacedFile[]> {
  const { chooseFiles, openHub } = await import("@ll/hub");
  const hub = openHub();
  const listing = await hub.list(name.repo, name.revision);
  const files: PlacedFile[] = [];
  for (const file of chooseFiles(listing.files, name)) {
    const sha256 = file.hash?.kind === "sha256" ? file.hash.hex : undefined;
    files.push({ source: await hub.open(listing, file), sha256 });
  }
  return files;
}
