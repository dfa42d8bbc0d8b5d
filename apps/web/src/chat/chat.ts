// The state of the page: conversations, the one that is open, answers that run. Components read its signals and call its methods.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { text } from "../text.ts";
import { Answers, type Notice } from "./answers.ts";
import { type Connection, type ModelSummary, modelOf, RequestError, request } from "./connection.ts";
import { type Exchanged, exportJson, ImportError } from "./exchange.ts";
import { type Changes, type History, MemoryHistory, openHistory } from "./history.ts";
import { OpenConversation } from "./open-conversation.ts";
import { newId, readStored, store } from "./platform.ts";
import { type Conversation, type Message, nameFrom, type Settings } from "./records.ts";
import { flawOf, leafWithout, merge, newestLeaf, subtreeOf } from "./tree.ts";

export interface ChatOptions {
  /** Name of its IndexedDB, and of what it keeps in other storages. */
  readonly database: string;
}

const DEFAULTS_KEY = "defaults";

export class Chat {
  readonly connection: Signal<Connection | undefined> = signal(undefined);
  readonly model: Signal<ModelSummary | undefined> = signal(undefined);
  /** Why there is no model to ask. */
  readonly trouble: Signal<string | undefined> = signal(undefined);
  readonly records: Signal<ReadonlyMap<string, Conversation>> = signal(new Map());
  readonly open: Signal<OpenConversation>;
  /** False: everything works from memory, and is gone when the page is. */
  readonly isKept = signal(true);
  readonly notice: Signal<Notice | undefined> = signal(undefined);
  /** The turn of the user that is edited. */
  readonly editing: Signal<string | undefined> = signal(undefined);
  /** What a screen reader is told. */
  readonly status = signal("");
  /** Asked for: the server wants a key. */
  readonly wantsKey: Signal<((key: string | undefined) => void) | undefined> = signal(undefined);
  readonly current: ReadonlySignal<Conversation>;
  readonly answers: Answers;
  readonly busy: ReadonlySignal<boolean>;

  readonly #name: string;
  /** A conversation in which nothing was said yet is not kept. */
  readonly #blank: Signal<Conversation>;
  #history: History = new MemoryHistory();
  #channel: BroadcastChannel | undefined;
  #connecting = new AbortController();
  /** Counts what this tab wrote. */
  #nChanges = 0;

  constructor({ database }: ChatOptions) {
    this.#name = database;
    this.#blank = signal(this.#newConversation());
    this.open = signal(new OpenConversation(this.#blank.peek().id, []));
    this.current = computed(() => this.records.value.get(this.open.value.id) ?? this.#blank.value);
    this.answers = new Answers(this);
    this.busy = computed(() => this.answers.runs.value.size > 0);
  }

  /** Reads what was kept. */
  async load(): Promise<void> {
    try {
      this.#history = await openHistory(this.#name, (error) => this.#lost(error));
      const records = await this.#history.conversations();
      this.records.value = new Map(records.map((one) => [one.id, one]));
    } catch (error) {
      this.#lost(error);
    }
    try {
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = ({ data }) => void this.#changedElsewhere(String(data));
    } catch {
      // other tabs see changes when they are loaded again
    }
    const last = readStored("sessionStorage", `${this.#name}:open`);
    if (last !== null && this.records.peek().has(last)) await this.show(last);
    addEventListener("pagehide", () => this.answers.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.answers.save());
  }

  /** Whom to ask; undefined for nobody. Answers that run are stopped. */
  async connect(connection: Connection | undefined): Promise<void> {
    this.#connecting.abort();
    this.#connecting = new AbortController();
    this.answers.stopAll();
    batch(() => {
      this.connection.value = connection;
      this.model.value = undefined;
      this.trouble.value = undefined;
    });
    if (connection !== undefined) await this.reconnect();
  }

  /** Asks again who answers. */
  async reconnect(): Promise<void> {
    const { signal: signalled } = this.#connecting;
    try {
      const model = await this.withKey((connection, key) => modelOf(connection, key, signalled));
      if (!signalled.aborted) {
        this.model.value = model;
        this.trouble.value = undefined;
      }
    } catch (error) {
      if (!signalled.aborted) this.trouble.value = this.explain(error);
    }
  }

  /** A key of the server, while the browser or the tab keeps it. */
  get key(): string {
    const name = `${this.#name}:key`;
    return readStored("sessionStorage", name) ?? readStored("localStorage", name) ?? "";
  }

  setKey(key: string, forLong: boolean): void {
    store("sessionStorage", `${this.#name}:key`, key);
    store("localStorage", `${this.#name}:key`, forLong ? key : "");
  }

  /** Calls `work` with the key that is known, and with another as often as that is refused and the user gives one. @throws RequestError */
  async withKey<T>(work: (connection: Connection, key: string) => Promise<T>): Promise<T> {
    const connection = this.connection.peek();
    if (connection === undefined) throw new RequestError(0, "unreachable", text.noModel);
    for (;;) {
      const { key } = this;
      try {
        return await work(connection, key);
      } catch (error) {
        if (!(error instanceof RequestError) || error.status !== 401) throw error;
        if (this.key === key && !(await this.#askForKey())) throw error;
      }
    }
  }

  ask(path: string, body: object, signalled: AbortSignal): Promise<Response> {
    return this.withKey((connection, key) => request(connection, path, key, { body, signal: signalled }));
  }

  explain(error: unknown): string {
    if (!(error instanceof RequestError)) return error instanceof Error ? error.message : String(error);
    if (error.code === "unreachable") return text.unreachable;
    if (error.code === "torn") return text.torn;
    return error.message;
  }

  // conversations

  create(): void {
    batch(() => {
      this.#blank.value = this.#newConversation();
      this.open.value = this.answers.opened(this.#blank.peek().id) ?? new OpenConversation(this.#blank.peek().id, []);
    });
    store("sessionStorage", `${this.#name}:open`, "");
  }

  async show(id: string): Promise<void> {
    const opened = this.answers.opened(id) ?? new OpenConversation(id, await this.#messagesOf(id));
    this.open.value = opened;
    store("sessionStorage", `${this.#name}:open`, id);
  }

  recordOf(id: string): Conversation {
    return this.records.peek().get(id) ?? this.#blank.peek();
  }

  /** Changes the record of a conversation; it is kept once something was said in it. */
  change(id: string, changed: Partial<Conversation>): void {
    const known = this.records.peek().get(id);
    if (known === undefined) {
      if (id === this.#blank.peek().id) this.#blank.value = { ...this.#blank.peek(), ...changed };
      return;
    }
    const record = { ...known, ...changed };
    this.records.value = new Map(this.records.peek()).set(id, record);
    void this.keep(id, { conversations: [record] });
  }

  /** What new conversations begin with. */
  setDefaults(): void {
    const { system, settings } = this.current.peek();
    store("localStorage", `${this.#name}:${DEFAULTS_KEY}`, JSON.stringify({ system, settings }));
    this.notice.value = { text: text.defaultsKept };
  }

  async remove(id: string): Promise<void> {
    const record = this.records.peek().get(id);
    if (record === undefined) return;
    this.answers.stop(id);
    const messages = await this.#messagesOf(id);
    const records = new Map(this.records.peek());
    records.delete(id);
    this.records.value = records;
    if (this.open.peek().id === id) this.create();
    await this.keep(id, { removedConversations: [id] });
    this.notice.value = {
      text: text.removed(record.name),
      undo: () => void this.#restore({ conversations: [record], messages }),
    };
  }

  // turns

  /** Says something behind `parent`, and has it answered. */
  say(content: string, parent: string | null = this.current.peek().leaf): void {
    const opened = this.open.peek();
    const now = Date.now();
    const turn = {
      id: newId(),
      parent,
      created: now,
      updated: now,
      conversation: opened.id,
      role: "user",
      content,
    } as const;
    if (!this.records.peek().has(opened.id)) {
      const record = { ...this.#blank.peek(), id: opened.id, name: nameFrom(content) || text.untitled, updated: now };
      this.records.value = new Map(this.records.peek()).set(opened.id, record);
      store("sessionStorage", `${this.#name}:open`, opened.id);
    }
    this.#add(opened, turn);
    void this.answers.start(opened, turn.id);
  }

  /** Another answer to the same turn, beside the one there is. */
  regenerate(id: string): void {
    const opened = this.open.peek();
    const message = opened.cell(id)?.peek();
    if (message === undefined) return;
    void this.answers.start(opened, message.role === "user" ? message.id : message.parent);
  }

  /** Shows another branch. */
  choose(id: string): void {
    const opened = this.open.peek();
    this.change(opened.id, { leaf: newestLeaf(opened.tree.peek(), id) });
  }

  /** Removes a turn and what follows it. */
  removeTurn(id: string): void {
    const opened = this.open.peek();
    const tree = opened.tree.peek();
    const gone = subtreeOf(tree, id).map((one) => opened.cell(one.id)?.peek() as Message);
    const { leaf } = this.current.peek();
    if (gone.some((one) => this.answers.isWriting(one.id))) this.answers.stop(opened.id);
    const isShown = opened.path(leaf).some((one) => one.id === id);
    if (isShown) this.change(opened.id, { leaf: leafWithout(tree, id) });
    const ids = gone.map((one) => one.id);
    opened.remove(ids);
    void this.keep(opened.id, { removedMessages: ids });
    const undo = (): void => {
      opened.add(gone);
      void this.keep(opened.id, { messages: gone });
      this.change(opened.id, { leaf });
    };
    this.notice.value = { text: text.turnsRemoved(ids.length), undo };
  }

  // files

  async exported(id?: string): Promise<Exchanged> {
    const records = [...this.records.peek().values()].filter((one) => id === undefined || one.id === id);
    const messages: Message[] = [];
    for (const one of records) messages.push(...(await this.#messagesOf(one.id)));
    return { conversations: records, messages };
  }

  async exportJson(id?: string): Promise<string> {
    return exportJson(await this.exported(id));
  }

  /** Adds conversations; those that are here already become trees with the turns of both. @throws ImportError */
  async import({ conversations, messages }: Exchanged): Promise<void> {
    const known = new Map((await this.exported()).messages.map((one) => [one.id, one]));
    const moved = messages.find((one) => (known.get(one.id)?.conversation ?? one.conversation) !== one.conversation);
    if (moved !== undefined)
      throw new ImportError(text.importFlaw("messages", `${moved.id} is of another conversation`));
    const flaw = flawOf(merge(known, new Map(messages.map((one) => [one.id, one]))));
    if (flaw !== undefined) throw new ImportError(text.importFlaw("messages", flaw));
    await this.#restore({ conversations, messages });
    this.notice.value = { text: text.imported(conversations.length) };
  }

  /** Ids of conversations whose name or turns have the words. */
  async search(words: string): Promise<Set<string>> {
    const wanted = words.toLowerCase();
    const found = new Set<string>();
    for (const { id, name } of this.records.peek().values()) if (name.toLowerCase().includes(wanted)) found.add(id);
    for (const { conversation, content } of await this.#history.messages()) {
      if (content.toLowerCase().includes(wanted)) found.add(conversation);
    }
    return found;
  }

  /** Writes what changed, and tells the other tabs. */
  async keep(id: string, changes: Changes): Promise<void> {
    this.#nChanges++;
    try {
      await this.#history.change(changes);
      this.#channel?.postMessage(id);
    } catch (error) {
      this.#lost(error);
      await this.#history.change(changes);
    }
  }

  #newConversation(): Conversation {
    let defaults: { readonly system?: unknown; readonly settings?: unknown } = {};
    try {
      defaults = JSON.parse(readStored("localStorage", `${this.#name}:${DEFAULTS_KEY}`) ?? "{}");
    } catch {
      // written by somebody else: none
    }
    const system = typeof defaults.system === "string" ? defaults.system : "";
    const settings = typeof defaults.settings === "object" ? ((defaults.settings ?? {}) as Settings) : {};
    return { id: newId(), name: "", updated: Date.now(), leaf: null, system, settings };
  }

  #add(opened: OpenConversation, turn: Message): void {
    opened.add([turn]);
    this.change(opened.id, { leaf: turn.id, updated: turn.created });
    void this.keep(opened.id, { messages: [turn] });
  }

  async #messagesOf(id: string): Promise<Message[]> {
    const opened = this.open.peek().id === id ? this.open.peek() : this.answers.opened(id);
    return opened?.messages() ?? (await this.#history.messages(id));
  }

  async #restore({ conversations, messages }: Exchanged): Promise<void> {
    await this.keep("", { conversations, messages });
    this.records.value = new Map([...this.records.peek(), ...conversations.map((one) => [one.id, one] as const)]);
    for (const { id } of conversations) await this.#changedElsewhere(id);
  }

  /**
   * Takes over what another tab wrote. Empty: several conversations. Nothing is written here: the tabs would answer one another for
   * ever, and what was removed there would come back.
   */
  async #changedElsewhere(id: string): Promise<void> {
    const records = new Map((await this.#read((history) => history.conversations())).map((one) => [one.id, one]));
    const opened = this.open.peek();
    const shown = this.records.peek().get(opened.id);
    batch(() => {
      const now = records.get(opened.id);
      // what is shown here stays shown, unless the other tab only went on from it
      if (shown !== undefined && now !== undefined) records.set(opened.id, { ...now, leaf: shown.leaf });
      this.records.value = records;
    });
    if (opened.id !== id && id !== "") return;
    if (shown !== undefined && !records.has(opened.id)) {
      if (!this.answers.runs.peek().has(opened.id)) this.create();
      return;
    }
    const messages = await this.#read((history) => history.messages(opened.id));
    const ids = new Set(messages.map((one) => one.id));
    opened.add(messages.filter((one) => !this.answers.isWriting(one.id)));
    opened.remove(
      opened.messages().flatMap((one) => (ids.has(one.id) || this.answers.isWriting(one.id) ? [] : [one.id])),
    );
    const record = this.records.peek().get(opened.id);
    if (record === undefined) return;
    const leaf = newestLeaf(opened.tree.peek(), record.leaf);
    this.records.value = new Map(this.records.peek()).set(opened.id, { ...record, leaf });
  }

  /** Reads until nothing was written meanwhile: what this tab knows is never older than what is read. */
  async #read<T>(read: (history: History) => Promise<T>): Promise<T> {
    for (;;) {
      const before = this.#nChanges;
      const result = await read(this.#history);
      if (this.#nChanges === before) return result;
    }
  }

  /** From here on everything is in memory. */
  #lost(_error: unknown): void {
    if (!this.isKept.peek()) return;
    const memory = new MemoryHistory();
    const opened = this.open.peek();
    void memory.change({ conversations: [...this.records.peek().values()], messages: opened.messages() });
    this.#history = memory;
    this.isKept.value = false;
  }

  async #askForKey(): Promise<boolean> {
    const key = await new Promise<string | undefined>((resolve) => {
      this.wantsKey.value = resolve;
    });
    this.wantsKey.value = undefined;
    return key !== undefined;
  }
}

export function createChat(options: ChatOptions): Chat {
  return new Chat(options);
}
