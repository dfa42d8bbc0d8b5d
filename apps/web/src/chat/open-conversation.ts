// A conversation whose turns are here: one signal for the shape of the tree, and one for each turn, so that only what changes is drawn.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Message } from "./records.ts";
import { childrenByParent, pathTo, type Tree } from "./tree.ts";

export interface Turn {
  readonly id: string;
  /** Which of its siblings it is, from 0, and their ids. */
  readonly index: number;
  readonly siblings: readonly string[];
}

export class OpenConversation {
  readonly id: string;
  readonly #cells = new Map<string, Signal<Message>>();
  /** Replaced whenever a turn is added or removed; not when the text of one grows. */
  readonly #tree: Signal<Tree<Message>>;

  constructor(id: string, messages: readonly Message[]) {
    this.id = id;
    this.#tree = signal(new Map());
    this.add(messages);
  }

  get tree(): ReadonlySignal<Tree<Message>> {
    return this.#tree;
  }

  cell(id: string): Signal<Message> | undefined {
    return this.#cells.get(id);
  }

  /** The turns as they are now. */
  messages(): Message[] {
    return [...this.#cells.values()].map((cell) => cell.peek());
  }

  /** Adds turns, or replaces those that were written earlier. */
  add(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const tree = new Map(this.#tree.peek());
    for (const one of messages) {
      const cell = this.#cells.get(one.id);
      if (cell === undefined) this.#cells.set(one.id, signal(one));
      else if (cell.peek().updated <= one.updated) cell.value = one;
      tree.set(one.id, one);
    }
    this.#tree.value = tree;
  }

  /** Changes a turn that is there. Returns it. */
  change(id: string, changed: Partial<Message>): Message | undefined {
    const cell = this.#cells.get(id);
    if (cell === undefined) return undefined;
    cell.value = { ...cell.peek(), ...changed, updated: Date.now() };
    return cell.peek();
  }

  remove(ids: Iterable<string>): void {
    const tree = new Map(this.#tree.peek());
    for (const id of ids) {
      tree.delete(id);
      this.#cells.delete(id);
    }
    this.#tree.value = tree;
  }

  /** From the first turn to the leaf, with their siblings. */
  turns(leaf: string | null): Turn[] {
    const tree = this.#tree.value;
    const children = childrenByParent(tree);
    return pathTo(tree, leaf).map(({ id, parent }) => {
      const siblings = (children.get(parent) ?? []).map((one) => one.id);
      return { id, index: siblings.indexOf(id), siblings };
    });
  }

  /** The turns of the path as they are now. */
  path(leaf: string | null): Message[] {
    return pathTo(this.#tree.peek(), leaf).map(({ id }) => this.#cells.get(id)?.peek() as Message);
  }
}
