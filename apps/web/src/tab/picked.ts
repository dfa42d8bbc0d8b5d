// Files and folders as a person gives them: dropped, or chosen in a dialog.

import type { PickedFile } from "./jobs.ts";

/** Of a folder and all below it; a checkpoint has some hundreds at most. */
const MOST_FILES = 10_000;

/** What was chosen in a dialog, for files or for a folder. */
export function chosenFiles(list: FileList | null): readonly PickedFile[] {
  return Array.from(list ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** What was dropped; folders with all that is in them. It must be called while the event is handled. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<readonly PickedFile[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return chosenFiles(files);
  const found: PickedFile[] = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry: FileSystemEntry, found: PickedFile[]): Promise<void> {
  if (found.length >= MOST_FILES) throw new RangeError(`more than ${MOST_FILES} files were dropped`);
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const next = (): Promise<FileSystemEntry[]> => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  // a reader gives a hundred entries at a time, and none at the end
  for (let some = await next(); some.length > 0; some = await next()) {
    for (const one of some) await collect(one, found);
  }
}
