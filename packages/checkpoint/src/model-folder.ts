// Where the files of a model lie beside each other: on disk (see ./node), or as a person gave them to a page.

import type { ByteSource } from "@ll/bytes";

export interface ModelFolder {
  /** Shown in errors. */
  readonly name: string;
  /** Names of what is in it. */
  list(): Promise<readonly string[]>;
  /** Whether there is a file of this name. */
  has(name: string): Promise<boolean>;
  /** What a file is called in errors and events. */
  pathOf(name: string): string;
  /** @throws IoError */
  open(name: string): Promise<FolderFile>;
  /** One in it, which may be missing: then `list` throws, and it has no file. */
  folder(name: string): ModelFolder;
  /** @throws CheckpointError `E_PATH` for a link to a file elsewhere */
  assertContained?(name: string): Promise<void>;
}

export interface FolderFile extends ByteSource {
  /** @throws IoError `E_CHANGED` */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}
