// Files at an address, or on the hub.

import { type ByteSource, httpSource } from "@ll/bytes";
import { chooseFiles, type HubName, openHub, parseModelName } from "@ll/hub";

/** A file, and what its contents should hash to, if somebody states it. */
export interface PlacedFile {
  readonly source: ByteSource;
  readonly sha256: string | undefined;
}

/** @throws IoError, HubError for an address that does not give the file */
export async function remoteFiles(url: string): Promise<readonly PlacedFile[]> {
  const name = parseModelName(url);
  if (name.kind === "hub") return hubFiles(name);
  return [{ source: await httpSource(url), sha256: undefined }];
}

/** Where they lie: what is read of them is fetched. */
async function hubFiles(name: HubName): Promise<readonly PlacedFile[]> {
  const hub = openHub();
  const listing = await hub.list(name.repo, name.revision);
  const files: PlacedFile[] = [];
  for (const file of chooseFiles(listing.files, name)) {
    const sha256 = file.hash?.kind === "sha256" ? file.hash.hex : undefined;
    files.push({ source: await hub.open(listing, file), sha256 });
  }
  return files;
}
