// Where conversations are kept: IndexedDB, or memory where there is none (private windows, a full disk).

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Conversation, Message } from "./records.ts";

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

export interface Changes {
  readonly conversations?: readonly Conversation[];
  readonly messages?: readonly Message[];
  readonly removedConversations?: readonly string[];
  readonly removedMessages?: readonly string[];
}

export interface History {
  conversations(): Promise<Conversation[]>;
  /** Of one conversation, or of all. */
  messages(conversation?: string): Promise<Message[]>;
  /** All of it or nothing. What is there and was written later stays. */
  change(changes: Changes): Promise<void>;
  close(): void;
}

/** @throws DOMException where the browser has no database for this page */
export async function openHistory(name: string, onLost: (error: unknown) => void): Promise<History> {
  const db = await openDB<Schema>(name, 1, {
    upgrade(fresh) {
      fresh.createObjectStore("conversations", { keyPath: "id" });
      fresh.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
    },
    blocking: (_old, _new, event) => (event.target as IDBDatabase).close(),
    terminated: () => onLost(new Error("the database was closed")),
  });
  return new DatabaseHistory(db);
}

class DatabaseHistory implements History {
  readonly #db: IDBPDatabase<Schema>;

  constructor(db: IDBPDatabase<Schema>) {
    this.#db = db;
  }

  conversations(): Promise<Conversation[]> {
    return this.#db.getAll("conversations");
  }

  messages(conversation?: string): Promise<Message[]> {
    if (conversation === undefined) return this.#db.getAll("messages");
    return this.#db.getAllFromIndex("messages", "conversation", conversation);
  }

  async change(changes: Changes): Promise<void> {
    const { conversations = [], messages = [], removedConversations = [], removedMessages = [] } = changes;
    // requests are made before the first wait: a page that is being left still writes them
    const transaction = this.#db.transaction(["conversations", "messages"], "readwrite");
    const kept = transaction.objectStore("conversations");
    const turns = transaction.objectStore("messages");
    const work: Promise<unknown>[] = [transaction.done];
    for (const id of removedConversations) {
      work.push(kept.delete(id));
      work.push(
        turns
          .index("conversation")
          .getAllKeys(id)
          .then((keys) => Promise.all(keys.map((key) => turns.delete(key)))),
      );
    }
    for (const id of removedMessages) work.push(turns.delete(id));
    for (const one of conversations) work.push(kept.put(one));
    for (const one of messages) {
      work.push(
        turns.get(one.id).then((old) => (old !== undefined && old.updated > one.updated ? null : turns.put(one))),
      );
    }
    const results = await Promise.allSettled(work);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  close(): void {
    this.#db.close();
  }
}

export class MemoryHistory implements History {
  readonly #conversations = new Map<string, Conversation>();
  readonly #messages = new Map<string, Message>();

  async conversations(): Promise<Conversation[]> {
    return [...this.#conversations.values()];
  }

  async messages(conversation?: string): Promise<Message[]> {
    const all = [...this.#messages.values()];
    return conversation === undefined ? all : all.filter((one) => one.conversation === conversation);
  }

  async change(changes: Changes): Promise<void> {
    const { conversations = [], messages = [], removedConversations = [], removedMessages = [] } = changes;
    for (const id of removedConversations) {
      this.#conversations.delete(id);
      for (const one of await this.messages(id)) this.#messages.delete(one.id);
    }
    for (const id of removedMessages) this.#messages.delete(id);
    for (const one of conversations) this.#conversations.set(one.id, one);
    for (const one of messages) {
      const old = this.#messages.get(one.id);
      if (old === undefined || old.updated <= one.updated) this.#messages.set(one.id, one);
    }
  }

  close(): void {
    this.#conversations.clear();
    this.#messages.clear();
  }
}
