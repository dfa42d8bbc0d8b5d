// PyTorch files in the tab: a zip archive whose members are stored as they are, read at random. zip.js holds every record against every
// other one, so that no other program could see another archive in the file; nothing is inflated.

import { assertSpan, type ByteSource, headerBudget, isFormatError, isIoError, printable } from "@ll/bytes";
import { type ArchiveMember, CheckpointError, type ZipArchive } from "@ll/checkpoint";
import type { CreateReadableOptions, FileEntry, Reader } from "@zip.js/zip.js";

/** Members of an archive: one for each tensor and a few more. */
const MEMBERS = 10_000;

/** Bytes that are read at a time to be checked. */
const CHUNK_BYTES = 1024 * 1024;

const STRICT = { strictness: "strict", useWebWorkers: false } as const;

/** @throws CheckpointError `E_ZIP` in zip.js's words, `E_LIMIT`; IoError */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const zip = await import("@zip.js/zip.js/lib/zip-core-reader.js");
  const budget = headerBudget(source.byteLength, source.name, CheckpointError);
  const entries = new Map<string, FileEntry>();
  const members = new Map<string, ArchiveMember>();
  try {
    const reader = new zip.ZipReader(readerOf(source), STRICT);
    for await (const entry of reader.getEntriesGenerator()) {
      if (entry.directory) continue;
      budget.takeItems(1, "zip", entry.offset);
      budget.takeSteps(1, "zip", entry.offset);
      budget.takeBytes(entry.rawFilename.byteLength, "zip", entry.offset);
      if (members.size === MEMBERS) throw zipError(source, "E_LIMIT", `at most ${MEMBERS} members`, "more");
      const member = await memberOf(source, entry);
      entries.set(member.name, entry);
      members.set(member.name, member);
    }
  } catch (error) {
    throw fromZip(source, error);
  }
  const opened = new Set<string>();
  return {
    name: source.name,
    budget,
    members,
    open(member) {
      opened.add(member.name);
      return spanOf(source, member);
    },
    async verify(signal) {
      for (const name of opened) {
        const entry = entries.get(name) as FileEntry;
        if (!entry.crc32) continue; // torch.save can leave checksums out
        const options = { ...STRICT, checkCrc32: true, ...(signal !== undefined && { signal }) };
        await entry.getData(new WritableStream(), options).catch((error: unknown) => {
          signal?.throwIfAborted();
          throw fromZip(source, error, name);
        });
        opened.delete(name);
      }
    },
  };
}

/** The member, after its own header was held against its entry in the directory, and its place against those of the others. */
async function memberOf(source: ByteSource, entry: FileEntry): Promise<ArchiveMember> {
  await entry.getData(new WritableStream(), { ...STRICT, checkOverlappingEntryOnly: true });
  const { filename: name, compressedSize: byteLength, compressionMethod, localDirectory } = entry;
  if (localDirectory === undefined || entry.encrypted) {
    throw zipError(source, "E_ZIP", "a plain member", printable(name));
  }
  return { name, dataOffset: localDirectory.dataOffset, byteLength, isCompressed: compressionMethod !== 0 };
}

function spanOf(source: ByteSource, { name, dataOffset, byteLength }: ArchiveMember): ByteSource {
  return {
    name: `${source.name}:${name}`,
    byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, byteLength);
      await source.read(dataOffset + offset, target);
    },
  };
}

/** What zip.js reads from: as its own readers, whose class its reading half does not export. */
function readerOf(source: ByteSource): Reader<unknown> {
  const readUint8Array = async (index: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, source.byteLength - index)));
    await source.read(index, bytes);
    return bytes;
  };
  const createReadable = ({ offset = 0, size = source.byteLength }: CreateReadableOptions = {}): ReadableStream => {
    let done = 0;
    return new ReadableStream({
      async pull(controller) {
        const bytes = await readUint8Array(offset + done, Math.min(CHUNK_BYTES, size - done));
        if (bytes.length > 0) controller.enqueue(bytes);
        done += bytes.length;
        if (done >= size || bytes.length === 0) controller.close();
      },
    });
  };
  return { size: source.byteLength, readUint8Array, createReadable } as Reader<unknown>;
}

function fromZip(source: ByteSource, error: unknown, name?: string): unknown {
  if (isFormatError(error) || isIoError(error)) return error;
  const got = error instanceof Error ? error.message : String(error);
  const what = name === undefined ? got : `"${printable(name)}" is damaged: ${got}`;
  return zipError(source, name === undefined ? "E_ZIP" : "E_CRC", "a whole archive of torch.save", got, what);
}

function zipError(source: ByteSource, code: string, expected: string, got: string, message = got): CheckpointError {
  return new CheckpointError({ code, file: source.name, offset: 0, field: "zip", expected, got, message });
}
