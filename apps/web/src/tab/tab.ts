// The state of the static page beside its chat: the model that is looked at, the one that runs, work, what is kept; and what changes it.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Chat } from "../chat/chat.ts";
import { embeddedModel } from "./embedded.ts";
import type { Obstacle } from "./isolation.ts";
import type { ConvertRequest, Look, Made, Opened, PickedFile, Place, Target, WorkStep } from "./jobs.ts";
import { type KeptModel, keptModels, modelsFolder, removeKept } from "./store.ts";
import { JobError, startTabWorker, type TabWorker } from "./worker-client.ts";

export interface LookedAt {
  readonly place: Place;
  readonly look: Look;
  /** Name among the kept models, of one of them. */
  readonly kept: string | undefined;
  /** What can be made of it, once that was found out. */
  readonly targets: readonly Target[] | undefined;
}

export interface Failure {
  readonly what: "open" | "run" | "convert" | "keep";
  readonly message: string;
  readonly hint: string | undefined;
}

/** What runs, or is on its way. */
export interface Running {
  readonly name: string;
  /** Undefined while it loads. */
  readonly opened: Opened | undefined;
  readonly progress: string;
}

export interface Work {
  readonly step: WorkStep;
  stop(): void;
}

export interface RunChoice {
  readonly contextTokens: number | undefined;
  readonly threads: number;
}

export interface Tab {
  /** Whether the panel of models is shown in place of the conversation. */
  readonly isShown: Signal<boolean>;
  readonly obstacle: Signal<Obstacle | undefined>;
  readonly canKeep: ReadonlySignal<boolean>;
  readonly looking: ReadonlySignal<boolean>;
  readonly lookedAt: ReadonlySignal<LookedAt | undefined>;
  readonly failure: ReadonlySignal<Failure | undefined>;
  readonly running: ReadonlySignal<Running | undefined>;
  readonly work: ReadonlySignal<Work | undefined>;
  readonly made: ReadonlySignal<Made | undefined>;
  readonly kept: ReadonlySignal<readonly KeptModel[]>;
  /** Name of the model during whose loading the tab ended last time. */
  readonly died: Signal<string | undefined>;
  open(place: Place, kept?: string): Promise<void>;
  /** Opens what a person gave: nothing, if that is no file. */
  openPicked(files: Promise<readonly PickedFile[]>): Promise<void>;
  openKept(model: KeptModel): Promise<void>;
  /** The project's own model: fetched as a checkpoint, quantised here, and run. */
  tryEmbedded(threads: number): Promise<void>;
  close(): void;
  run(choice: RunChoice): Promise<void>;
  unload(): void;
  findTargets(): Promise<void>;
  convert(target: Target, options: Pick<ConvertRequest, "to" | "allowRequantize">): Promise<void>;
  keep(): Promise<void>;
  remove(model: KeptModel): Promise<void>;
}

/** Set while a model loads: a tab that ends by lack of memory cannot say so. */
const LOADING = "ll-loading";

/** Id of its kind of file. */
const Q4_0 = 2;

/** The address of a server that is not there: requests go to the engine. */
const BASE = "http://ll.invalid";

export function createTab(chat: Chat): Tab {
  const isShown = signal(true);
  const obstacle = signal<Obstacle | undefined>(undefined);
  const canKeep = signal(false);
  const looking = signal(false);
  const lookedAt = signal<LookedAt | undefined>(undefined);
  const failure = signal<Failure | undefined>(undefined);
  const running = signal<Running | undefined>(undefined);
  const work = signal<Work | undefined>(undefined);
  const made = signal<Made | undefined>(undefined);
  const kept = signal<readonly KeptModel[]>([]);
  const died = signal<string | undefined>(sessionStorage.getItem(LOADING) ?? undefined);
  sessionStorage.removeItem(LOADING);

  const worker = startTabWorker();
  let engine: TabWorker | undefined;

  const fail = (what: Failure["what"], error: unknown): void => {
    if (error instanceof DOMException && error.name === "AbortError") return;
    const message = error instanceof Error ? error.message : String(error);
    failure.value = { what, message, hint: error instanceof JobError ? error.hint : undefined };
  };

  async function refreshKept(): Promise<void> {
    canKeep.value = (await modelsFolder()) !== undefined;
    kept.value = await keptModels();
  }

  async function open(place: Place, keptKey?: string): Promise<void> {
    failure.value = undefined;
    made.value = undefined;
    lookedAt.value = undefined;
    looking.value = true;
    try {
      const look = await worker.call("look", place);
      lookedAt.value = { place, look, kept: keptKey, targets: look.targets };
    } catch (error) {
      fail("open", error);
    } finally {
      looking.value = false;
    }
  }

  function unload(): void {
    void chat.connect(undefined);
    engine?.end();
    engine = undefined;
    running.value = undefined;
    sessionStorage.removeItem(LOADING);
  }

  async function run({ contextTokens, threads }: RunChoice): Promise<void> {
    const { place, look } = lookedAt.value ?? {};
    if (place === undefined || look === undefined) return;
    unload();
    failure.value = undefined;
    died.value = undefined;
    const own = startTabWorker();
    engine = own;
    running.value = { name: look.name, opened: undefined, progress: "" };
    sessionStorage.setItem(LOADING, look.name);
    try {
      const onEvent = (progress: string): void => {
        if (engine === own) running.value = { name: look.name, opened: undefined, progress };
      };
      const opened = await own.call("open", { place, contextTokens, threads }, { onEvent });
      if (engine !== own) return; // unloaded meanwhile
      running.value = { name: look.name, opened, progress: "" };
      isShown.value = false;
      await chat.connect({ base: BASE, fetch: own.fetch });
    } catch (error) {
      if (engine !== own) return;
      unload();
      fail("run", error);
    } finally {
      sessionStorage.removeItem(LOADING);
    }
  }

  /** Long work: the screen stays on meanwhile, and the page is not left without a question. */
  async function longWork(
    what: "convert" | "keep",
    name: string,
    job: (signal: AbortSignal, tell: (step: WorkStep) => void) => Promise<Made>,
  ): Promise<Made | undefined> {
    const controller = new AbortController();
    const stop = (): void => controller.abort(new DOMException("stopped", "AbortError"));
    const tell = (step: WorkStep): void => {
      work.value = { step, stop };
    };
    failure.value = undefined;
    made.value = undefined;
    tell({ stage: what === "keep" ? "keeping" : "converting", name, done: 0, total: 0 });
    const lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    addEventListener("beforeunload", askBeforeLeaving);
    try {
      return await job(controller.signal, tell);
    } catch (error) {
      fail(what, error);
      return undefined;
    } finally {
      removeEventListener("beforeunload", askBeforeLeaving);
      await lock?.release();
      work.value = undefined;
      await refreshKept();
    }
  }

  void refreshKept();
  return {
    ...{ isShown, obstacle, canKeep, looking, lookedAt, failure, running, work, made, kept, died },
    open,
    async openPicked(picking) {
      try {
        const files = await picking;
        if (files.length > 0) await open({ files });
      } catch (error) {
        fail("open", error);
      }
    },
    openKept: ({ key, name, file }) => open({ files: [{ path: name, file }] }, key),
    async tryEmbedded(threads) {
      looking.value = true;
      failure.value = undefined;
      try {
        const place = { files: await embeddedModel() };
        const target = { container: "ggjt", type: "Q4_0", ftype: Q4_0 } as const;
        const request = { place, target, allowRequantize: false, threads: 1, to: "memory" } as const;
        const { name, file } = await worker.call("convert", request);
        if (file !== undefined) await open({ files: [{ path: name, file }] });
        await run({ contextTokens: undefined, threads });
      } catch (error) {
        fail("open", error);
      } finally {
        looking.value = false;
      }
    },
    close() {
      lookedAt.value = undefined;
      made.value = undefined;
      failure.value = undefined;
    },
    run,
    unload,
    async findTargets() {
      const { place, look } = lookedAt.value ?? {};
      if (place === undefined || look === undefined) return;
      looking.value = true;
      try {
        const targets = await worker.call("targets", place);
        if (lookedAt.value?.look === look) lookedAt.value = { ...lookedAt.value, targets };
      } catch (error) {
        fail("open", error);
      } finally {
        looking.value = false;
      }
    },
    async convert({ container, type, ftype }, options) {
      const { place, look } = lookedAt.value ?? {};
      if (place === undefined || look === undefined) return;
      const threads = Math.max(1, navigator.hardwareConcurrency);
      const request: ConvertRequest = { place, target: { container, type, ftype }, threads, ...options };
      if (options.to === "kept") void navigator.storage.persist?.();
      made.value = await longWork("convert", look.name, (signal, onEvent) =>
        worker.call("convert", request, { onEvent, signal }),
      );
    },
    async keep() {
      const one = lookedAt.value;
      if (one === undefined) return;
      const { place, look } = one;
      void navigator.storage.persist?.();
      const copy = await longWork("keep", look.name, (signal, onEvent) =>
        worker.call("keep", place, { onEvent, signal }),
      );
      if (copy !== undefined) lookedAt.value = { ...one, kept: copy.kept };
    },
    async remove({ key }) {
      await removeKept(key);
      if (lookedAt.value?.kept === key) lookedAt.value = undefined;
      await refreshKept();
    },
  };
}

function askBeforeLeaving(event: Event): void {
  event.preventDefault();
}
