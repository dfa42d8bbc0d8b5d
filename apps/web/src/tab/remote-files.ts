// Files at an address, or on the hub.

import { httpSource } from "@ll/bytes";
import { chooseFiles, type HubName, openHub, parseModelName } from "@ll/hub";
import type { PlacedFile } from "./sources.ts";

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
