// What came of chunks, kept until all of it is there, then joined to the output.

import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createOutFile, openPieceFolder, type PieceFolder } from "@ll/bytes/node";
import { Refusal } from "@ll/cli/frame";
import type { Chunk, Product } from "./job-kind.ts";

/** Two gave other results for the same chunk: one of the machines computes wrongly. */
export class Disagreement extends Error {
  override readonly name: string = "Disagreement";
  readonly workers: readonly [string, string];

  constructor(label: string, workers: readonly [string, string], byte: number) {
    const [first, second] = workers;
    super(
      `${first} and ${second} disagree about ${label} (byte ${byte} of the result): the same work gives the same bytes ` +
        "on every machine, so one of them computes wrongly",
    );
    this.workers = workers;
  }
}

export interface Results {
  /** Names of the chunks that are there. */
  readonly names: readonly string[];
  /** Keeps a result, or compares it with the one that is there. @throws Disagreement, IoError */
  put(chunk: Pick<Chunk, "name" | "label">, product: Product, worker: string): Promise<void>;
  /** All of them, in order. */
  all(): AsyncGenerator<Product, void, undefined>;
  /** A note for the next run, such as what was measured; the first one counts. */
  note(name: string, value: string): Promise<string>;
  notes: Readonly<Record<string, string>>;
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** Chunks have names that begin with a digit, notes with a letter. */
const CHUNK = /^\d/;
const NEWLINE = 10;

/**
 * @param terms what results depend on; a folder of others is refused
 * @throws Refusal, IoError
 */
export async function openResults(path: string, terms: Readonly<Record<string, string | number>>): Promise<Results> {
  const folder = await openPieceFolder(path);
  try {
    await assertSameTerms(folder, terms);
    const all = await folder.names();
    const notes = await Promise.all(
      all.filter((name) => !CHUNK.test(name)).map(async (name) => [name, text(await folder.read(name))] as const),
    );
    return resultsIn(
      folder,
      all.filter((name) => CHUNK.test(name)),
      Object.fromEntries(notes),
    );
  } catch (error) {
    await folder.close();
    throw error;
  }
}

async function assertSameTerms(folder: PieceFolder, terms: Readonly<Record<string, string | number>>): Promise<void> {
  if (await folder.put("terms", bytes(JSON.stringify(terms)))) return;
  const old = JSON.parse(text(await folder.read("terms"))) as typeof terms;
  const [name] = Object.keys({ ...old, ...terms }).filter((key) => old[key] !== terms[key]);
  if (name === undefined) return;
  throw new Refusal(
    `${folder.path} has results of another run: ${name} was ${old[name] ?? "not there"}, and is ${terms[name] ?? "not there"}`,
    "Go on as it was begun, name another output, or remove that folder",
  );
}

function resultsIn(folder: PieceFolder, names: readonly string[], notes: Readonly<Record<string, string>>): Results {
  return {
    names,
    notes,
    async put({ name, label }, { text: product, failed }, worker) {
      const head = JSON.stringify({ worker, failed });
      if (await folder.put(name, bytes(`${head}\n${product}`))) return;
      const kept = pieceOf(await folder.read(name));
      const byte = firstDifference(bytes(kept.text), bytes(product));
      if (byte !== undefined) throw new Disagreement(label, [kept.worker, worker], byte);
    },
    async *all() {
      for (const name of await folder.names()) if (CHUNK.test(name)) yield pieceOf(await folder.read(name));
    },
    note: async (name, value) => {
      await folder.put(name, bytes(value));
      return text(await folder.read(name));
    },
    close: () => folder.close(),
    remove: () => folder.remove(),
  };
}

function pieceOf(piece: Uint8Array): Product & { readonly worker: string } {
  const end = piece.indexOf(NEWLINE);
  const { worker, failed } = JSON.parse(text(piece.subarray(0, end))) as { worker: string; failed: number };
  return { worker, failed, text: text(piece.subarray(end + 1)) };
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return undefined;
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(value: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
}

/** Of a whole output, noted before it appears: so its maker is known, if that is killed before the results are removed. */
const OUTPUT_NOTE = "output";

/**
 * Makes the output of all results, and removes them.
 * @returns units that failed
 * @throws IoError `E_EXISTS`
 */
export async function joinResults(results: Results, path: string, inputs: readonly string[]): Promise<number> {
  let failed = 0;
  const hash = createHash("sha256");
  const out = await createOutFile(path, { inputs, noClobber: true });
  try {
    for await (const product of results.all()) {
      failed += product.failed;
      const piece = bytes(product.text);
      hash.update(piece);
      await out.write(piece);
    }
    await results.note(OUTPUT_NOTE, `${hash.digest("hex")} ${failed}`);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
  await results.remove();
  return failed;
}

/**
 * Whether the output is there already: then these are the units in it that failed, and the results go.
 * @throws Refusal if it is another's
 */
export async function finishedOutput(results: Results, path: string): Promise<number | undefined> {
  if (!existsSync(path)) return undefined;
  const [sha256, failed] = (results.notes[OUTPUT_NOTE] ?? "").split(" ");
  if (sha256 === (await sha256Of(path))) {
    await results.remove();
    return Number(failed);
  }
  throw existing(path);
}

/** For an output that is there and that this run did not make: nothing replaces it. */
export function existing(path: string): Refusal {
  return new Refusal(`${path} is there already, and stays as it is`, "Name another output, or remove that file");
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}
