// Many sequences in one pass: what a batch may hold, how it is cut into slices, and whose the results are. All engines are under it.

import { type AbortSignal, allocate } from "@ll/bytes";
import { NO_STATES, type RecurrentMemory } from "./context-memory.ts";
import type { Engine } from "./engine.ts";
import { BatchItemError } from "./errors.ts";
import { type KvTypes, kvTypeName } from "./kv-type.ts";
import { assertIndex, type BatchItem, type Context, checkedTokens } from "./model.ts";
import type { Slice, SlicePart } from "./ops/op.ts";
import type { TurnQueue } from "./pace.ts";

/** A context in batches. */
export interface Member {
  /** Its number, for the engine. */
  readonly id: number;
  readonly contextTokens: number;
  readonly kvType: KvTypes;
  /** `Context.fingerprint`: keys of another one are not the same. */
  readonly fingerprint: bigint;
  /** Undefined for a model without recurrent layers. */
  readonly recurrent: RecurrentMemory | undefined;
  /** That of its latest logits. */
  readonly embedding: Float32Array; // (nEmbd)
  /** An evaluation is under way. */
  busy: boolean;
  /** @throws Error if it was disposed of, or its model was */
  assertHeld(): void;
}

/** An item that is in order. */
interface Entry {
  readonly member: Member;
  readonly tokens: Int32Array; // (n)
  readonly nPast: number;
  /** Of the last tokens. */
  readonly nLogitRows: number;
  readonly logits: Float32Array; // (nLogitRows, nVocab)
}

/** The contexts of a model, evaluated together. */
export class Batches {
  /** Slices evaluated: each reads all weights once. */
  nPasses = 0;
  readonly #engine: Engine;
  readonly #queue: TurnQueue;
  readonly #nVocab: number;
  readonly #members = new WeakMap<Context, Member>();

  /** @param queue of all that the engine does */
  constructor(engine: Engine, queue: TurnQueue, nVocab: number) {
    this.#engine = engine;
    this.#queue = queue;
    this.#nVocab = nVocab;
  }

  add(context: Context, member: Member): void {
    this.#members.set(context, member);
  }

  /** `Model.evaluateBatch`. */
  async evaluate(items: readonly BatchItem[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const members = new Set<Member>();
    const entries = items.map((item, i) => {
      try {
        const member = this.#memberOf(item.context);
        if (members.has(member)) throw new RangeError("this context is in the batch already");
        members.add(member);
        return this.#entryOf(member, item);
      } catch (cause) {
        throw new BatchItemError(i, cause as Error);
      }
    });
    return entries.length === 0 ? [] : this.#evaluate(entries, signal);
  }

  /** `Context.evaluate`. */
  async evaluateOne(
    member: Member,
    item: Omit<BatchItem, "context">,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const [logits] = await this.#evaluate([this.#entryOf(member, item)], signal);
    return logits!;
  }

  /** `Context.copyPrefix`. */
  async copyPrefix(to: Member, context: Context, nTokens: number): Promise<void> {
    const from = this.#memberOf(context);
    const [type, fromType] = [to.kvType, from.kvType].map(kvTypeName);
    if (type !== fromType)
      throw new TypeError(`"from" expected a context with a ${type} cache, got one of ${fromType}`);
    if (from.fingerprint !== to.fingerprint) {
      throw new TypeError(
        '"from" expected a context with the same factors of RoPE: the model has others for long contexts',
      );
    }
    assertIndex("nTokens", nTokens, 0, Math.min(from.contextTokens, to.contextTokens));
    assertFree(to);
    from.assertHeld();
    if (from === to || nTokens === 0) return;
    await this.#whileBusy([to], () =>
      this.#queue.run(async () => {
        for (const member of [from, to]) member.assertHeld();
        const stateCopy = from.recurrent?.copyAt(nTokens);
        to.recurrent?.forget();
        await this.#engine.copyPrefix(from.id, to.id, nTokens, stateCopy);
        to.recurrent?.end({ from: undefined, to: 0 }, nTokens, nTokens);
      }),
    );
  }

  #memberOf(context: Context): Member {
    const member = this.#members.get(context);
    if (member === undefined) throw new TypeError("expected a context of this model");
    return member;
  }

  /** Everything that can be wrong with an item is found here. */
  #entryOf(member: Member, { tokens, nPast, logits = "last" }: Omit<BatchItem, "context">): Entry {
    if (!["none", "last", "all"].includes(logits)) {
      throw new TypeError(`"logits" expected none, last or all, got ${String(logits)}`);
    }
    const ids = checkedTokens(tokens, nPast, this.#nVocab, member.contextTokens);
    assertFree(member);
    member.recurrent?.copyAt(nPast);
    const nLogitRows = { none: 0, last: 1, all: ids.length }[logits];
    const rows = allocate("the logits", () => new Float32Array(nLogitRows * this.#nVocab));
    return { member, tokens: ids, nPast, nLogitRows, logits: rows };
  }

  async #evaluate(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const members = entries.map(({ member }) => member);
    const ids = members.map(({ id }) => id);
    signal?.throwIfAborted();
    return this.#whileBusy(members, () =>
      this.#queue.run(async () => {
        const copies = entries.map(({ member, nPast }) => member.recurrent?.begin(nPast) ?? NO_STATES);
        const nFilled = entries.map(() => 0); // rows of logits
        for (const { slice, owners } of slicesOf(
          entries,
          copies,
          this.#engine.sliceTokens(ids),
          this.#engine.logitRows,
        )) {
          for (const member of members) member.assertHeld();
          this.nPasses++;
          const contexts = owners.map((owner) => ids[owner]!);
          const results = await this.#engine.evaluate(contexts, slice, signal);
          let row = 0;
          for (const [i, { nLogitRows }] of slice.parts.entries()) {
            const owner = owners[i]!;
            const { logits, member } = entries[owner]!;
            copyRows(logits, nFilled[owner]!, results.logits, row, nLogitRows, this.#nVocab);
            nFilled[owner]! += nLogitRows;
            row += nLogitRows;
            if (nLogitRows > 0) copyRows(member.embedding, 0, results.embeddings, row - 1, 1, member.embedding.length);
          }
        }
        for (const [i, { member, nPast, tokens }] of entries.entries()) {
          member.recurrent?.end(copies[i]!, nPast + tokens.length, tokens.length);
        }
        return entries.map(({ logits }) => logits);
      }, signal),
    );
  }

  async #whileBusy<T>(members: readonly Member[], work: () => Promise<T>): Promise<T> {
    for (const member of members) member.busy = true;
    try {
      return await work();
    } finally {
      for (const member of members) member.busy = false;
    }
  }
}

function assertFree(member: Member): void {
  if (member.busy) throw new Error("this context is busy: await the evaluation under way first");
  member.assertHeld();
}

/** The tokens of all entries in order, as many at a time as fit; `owners` are the entries of a slice's parts. */
function* slicesOf(
  entries: readonly Entry[],
  copies: readonly SlicePart["copies"][],
  sliceTokens: number,
  logitRows: number,
): Generator<{ slice: Slice; owners: number[] }> {
  let [owner, done] = [0, 0];
  while (owner < entries.length) {
    const tokens: number[] = [];
    const owners: number[] = [];
    const parts: SlicePart[] = [];
    let nRows = 0;
    while (owner < entries.length) {
      const entry = entries[owner]!;
      const nWithout = entry.tokens.length - entry.nLogitRows - done; // tokens without logits that are left
      const nFit = Math.min(sliceTokens - tokens.length, Math.max(0, nWithout) + (logitRows - nRows));
      const n = Math.min(entry.tokens.length - done, nFit);
      if (n === 0) break;
      const begun = copies[owner]!;
      const nLogitRows = Math.min(n, Math.max(0, n - nWithout));
      const part = { first: tokens.length, n, position: entry.nPast + done, nLogitRows };
      parts.push({ ...part, copies: done === 0 ? begun : { ...begun, from: begun.to } });
      tokens.push(...entry.tokens.subarray(done, done + n));
      owners.push(owner);
      nRows += nLogitRows;
      done += n;
      if (done === entry.tokens.length) [owner, done] = [owner + 1, 0];
    }
    yield { slice: { tokens: Int32Array.from(tokens), parts, nLogitRows: nRows }, owners };
  }
}

function copyRows(
  to: Float32Array, // (…, columns)
  toRow: number,
  from: Float32Array, // (…, columns)
  fromRow: number,
  n: number,
  columns: number,
): void {
  to.set(from.subarray(fromRow * columns, (fromRow + n) * columns), toRow * columns);
}
