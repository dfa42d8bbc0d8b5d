// What a kind of work is to whoever hands it out, and to whoever does it.

/** A part of the work, small enough to be done anew. */
export interface Chunk {
  /** Of its kind, its contents, and all that its result depends on: the same chunk has the same id everywhere. */
  readonly id: string;
  /** Under which its result is kept. Names are in the order of the output. */
  readonly name: string;
  /** What it is in words, for messages: `lines 17 to 32`. */
  readonly label: string;
  /** All that a worker has to know. */
  readonly payload: string;
  /** Lines, windows or files. */
  readonly units: number;
  /** Of the input, for progress. */
  readonly bytes: number;
  /** Its result is there already. */
  readonly isDone: boolean;
  /** Smaller ones, for a result that is too large for one; undefined if there is nothing to cut. */
  readonly split?: (() => readonly Chunk[]) | undefined;
}

/** What came of a chunk. The same on every machine: it holds no times and no names. */
export interface Product {
  readonly text: string;
  /** Units that ended with an error of their own. */
  readonly failed: number;
}

/** Does the work of one kind, for one process. */
export interface JobRunner {
  /** What a worker is heard to say of itself. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Resolves when it could do with another chunk. */
  ready(): Promise<void>;
  /** @throws the signal's reason; what else is thrown is told by its `code` whether it may pass */
  run(payload: string, signal: AbortSignal): Promise<Product>;
  close(): Promise<void>;
}
