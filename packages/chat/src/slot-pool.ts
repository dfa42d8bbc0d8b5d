// The contexts of an engine: which of them a sequence gets, and what it takes over from the others.

import { createDrafter, type KvTypes, MemoryError, type Model } from "@ll/llama";
import { reusable, type Sequence, type Slot } from "./sequence.ts";

/** Where guesses of the next tokens come from: they change no answer. */
export interface DraftSources {
  /** Tokens of a guess at most, of what stood behind the latest ones where they came before. */
  readonly lookup: number;
  /** A small model of the same vocabulary, and how many tokens of it to take at most. */
  readonly draft: { readonly model: Model; readonly tokens: number } | undefined;
}

export interface SlotPoolOptions {
  readonly contextTokens: number;
  /** Contexts that are kept. */
  readonly contexts: number;
  readonly kvType?: KvTypes | undefined;
  /** Clients take over what prompts of others hold as well. */
  readonly isShared?: boolean | undefined;
  readonly drafts?: DraftSources | undefined;
}

/** Positions from which on it is cheaper to copy them than to evaluate them again. */
const LEAST_COPIED = 8;

export class SlotPool {
  readonly #model: Model;
  readonly #options: SlotPoolOptions;
  #slots: Slot[] = [];
  #most: number;
  #clock = 0;

  constructor(model: Model, options: SlotPoolOptions) {
    this.#model = model;
    this.#options = options;
    this.#most = options.contexts;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** Contexts that there can be, as far as is known. */
  get most(): number {
    return this.#most;
  }

  /**
   * The free context that holds most of the prompt, and little else; or a new one, while there may be more; or the one unused longest.
   * @throws MemoryError if there is none at all
   */
  async take(sequence: Sequence): Promise<Slot> {
    const free = this.#slots.filter(({ isBusy }) => !isBusy);
    // what another conversation has in common with this one is no reason to forget its rest
    const held = free.map((slot) => (sequence.request.reuse ? this.#reusable(slot, sequence) : 0));
    const isSame = (slot: Slot, i: number): boolean => (held[i] ?? 0) * 2 > slot.ids.length;
    const most = Math.max(0, ...held.filter((_, i) => isSame(free[i] as Slot, i)));
    if (this.#slots.length < this.#most && most === 0) {
      try {
        return await this.#add();
      } catch (error) {
        if (!(error instanceof MemoryError) || this.#slots.length === 0) throw error;
        this.#most = this.#slots.length;
      }
    }
    const best = free.filter((_, i) => most === 0 || held[i] === most).sort((a, b) => a.lastUsed - b.lastUsed)[0];
    if (best === undefined) throw new RangeError("no context is free"); // no more sequences run than there are contexts
    best.isBusy = true;
    best.lastUsed = this.#clock++;
    return best;
  }

  /** How many positions of a prompt a context holds, after it has got those that another one has. */
  async takeOver(slot: Slot, sequence: Sequence): Promise<number> {
    const own = this.#reusable(slot, sequence);
    const others = this.#slots.filter(({ context }) => context.memory.kind === "positions");
    const [source] = others.sort((a, b) => this.#reusable(b, sequence) - this.#reusable(a, sequence));
    const most = source === undefined ? 0 : this.#reusable(source, sequence);
    if (source === undefined || most < own + LEAST_COPIED) return own;
    slot.ids = [];
    await slot.context.copyPrefix(source.context, most);
    slot.ids = source.ids.slice(0, most);
    return most;
  }

  async dispose(): Promise<void> {
    for (const { context, draftContext } of this.#slots) {
      await context.dispose();
      await draftContext?.dispose();
    }
    this.#slots = [];
  }

  /** Positions of a context that a sequence can go on from. */
  #reusable(slot: Slot, { ids, request }: Sequence): number {
    const isOwn = slot.client === request.client || this.#options.isShared === true;
    return isOwn ? reusable(slot, ids) : 0;
  }

  async #add(): Promise<Slot> {
    const { contextTokens, kvType, drafts } = this.#options;
    const options = { contextTokens, ...(kvType !== undefined && { kvType }) };
    const context = await this.#model.createContext(options);
    try {
      const draftContext = await drafts?.draft?.model.createContext(options);
      const draft = draftContext && { context: draftContext, tokens: drafts?.draft?.tokens ?? 0 };
      const drafter = drafts === undefined ? undefined : createDrafter(context, { lookup: drafts.lookup, draft });
      const lastUsed = this.#clock++;
      const slot: Slot = { context, draftContext, drafter, ids: [], client: undefined, isBusy: true, lastUsed };
      this.#slots.push(slot);
      return slot;
    } catch (error) {
      await context.dispose();
      throw error;
    }
  }
}
