// Random access to bytes that are somewhere: in memory, in a Blob, in a file (see ./node).

import { isBuffer, isBytes, kindOf } from "./arguments.ts";
import { IoError } from "./errors.ts";
import type { Blob } from "./platform-types.ts";

/**
 * Where a source's bytes come from, for workers that can open it there themselves. `stamp` says which file was at the path (device,
 * inode, size and time): another one, or the same written again, is not read.
 */
export type SourceOrigin = { readonly path: string; readonly stamp?: string } | { readonly blob: Blob };

/** A readable span of bytes. All readers of the toolchain take one. */
export interface ByteSource {
  /** Shown in errors; usually a path. */
  readonly name: string;
  readonly byteLength: number;
  /** A file on disk or a Blob, if the source is all of one. */
  readonly origin?: SourceOrigin | undefined;
  /**
   * Fills all of `target` with the bytes that start at `offset`.
   * @throws RangeError if the span reaches past `byteLength`; IoError if the bytes cannot be had.
   */
  read(offset: number, target: Uint8Array): Promise<void>;
  /**
   * Only of sources whose reads do not notice it themselves.
   * @throws IoError `E_CHANGED` if the source is not what it was when it was opened
   */
  assertUnchanged?(): Promise<void>;
}

/** The bytes of an ArrayBuffer or typed array; nothing is copied until it is read. */
export function memorySource(bytes: ArrayBuffer | Uint8Array, name = "memory"): ByteSource {
  if (!isBytes(bytes) && !isBuffer(bytes)) {
    throw new TypeError(`"bytes" expected a Uint8Array or ArrayBuffer, got ${kindOf(bytes)}`);
  }
  const all = isBytes(bytes) ? bytes : new Uint8Array(bytes);
  return {
    name,
    byteLength: all.byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, all.byteLength);
      target.set(all.subarray(offset, offset + target.byteLength));
    },
  };
}

/** A browser `Blob` or `File`, read slice by slice. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  if (typeof blob?.slice !== "function" || typeof blob.size !== "number") {
    throw new TypeError(`"blob" expected a Blob or File, got ${kindOf(blob)}`);
  }
  return {
    name,
    byteLength: blob.size,
    origin: { blob },
    async read(offset, target) {
      assertSpan(offset, target.byteLength, blob.size);
      const part = blob.slice(offset, offset + target.byteLength);
      const slice = new Uint8Array(
        await part.arrayBuffer().catch((cause: unknown) => {
          throw new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: ${String(cause)}`, cause });
        }),
      );
      if (slice.byteLength !== target.byteLength) {
        throw new IoError({ code: "E_CHANGED", file: name, message: `${name} changed while it was read` });
      }
      target.set(slice);
    },
  };
}

/** @throws RangeError unless `offset … offset + length` lies inside `byteLength`. */
export function assertSpan(offset: number, length: number, byteLength: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || length > byteLength - offset) {
    throw new RangeError(`"offset" expected a span inside ${byteLength} bytes, got ${offset} + ${length}`);
  }
}

/** @throws TypeError that says how to make a source of what it is */
export function assertSource(source: ByteSource, name = "source"): void {
  const { byteLength, read } = (source ?? {}) as Partial<ByteSource>;
  if (Number.isSafeInteger(byteLength) && typeof read === "function") return;
  const given: unknown = source;
  const advice =
    typeof given === "string"
      ? "openFileSource(path) of @ll/bytes/node, or httpSource(url) of @ll/bytes"
      : isBytes(given) || isBuffer(given)
        ? "memorySource(bytes) of @ll/bytes"
        : "openFileSource(path) of @ll/bytes/node, or blobSource(blob), httpSource(url) or memorySource(bytes) of @ll/bytes";
  throw new TypeError(`"${name}" expected a ByteSource, got ${kindOf(given)}; make one by ${advice}`);
}

/**
 * Closes every file, also when closing one of them fails. Node ends a process in which an open file is collected as garbage.
 * @throws what the first failure threw, once all are closed
 */
export async function closeAll(files: Iterable<{ close?(): Promise<void> } | undefined>): Promise<void> {
  const closing = await Promise.allSettled(Array.from(files, async (file) => file?.close?.()));
  const failed = closing.find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}
