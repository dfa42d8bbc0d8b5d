// Hands chunks to workers through a queue, and takes what came of them. Nothing rests on the queue: a chunk that it does not know any
// more is added again, and a result counts when it is kept here.

import { IoError, printable } from "@ll/bytes";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { WorkOptions } from "../jobs/embedded.ts";
import type { Chunk } from "../jobs/job-kind.ts";
import type { Results } from "../jobs/results.ts";
import { type SeenWorker, seenWorkers } from "./announce.ts";
import {
  dataOf,
  JOB_OPTIONS,
  type JobData,
  type JobFailure,
  type JobResult,
  type LateResult,
  lateKey,
  productOf,
  TOO_LARGE,
} from "./job.ts";

export interface CoordinateOptions extends WorkOptions {
  readonly redis: Redis;
  readonly queue: string;
  /** Each so many chunks, one is done twice, by two workers; 0 for none. */
  readonly checkEvery: number;
  readonly onWorkers: (workers: readonly SeenWorker[]) => void;
}

/** Between two looks at what ended. */
const POLL_MS = 50;
/** Between two looks at each job whose key is there: is it in a list as well? */
const LOST_MS = 30_000;
const WORKERS_MS = 2000;
/** Events that Redis keeps of a queue: nobody reads them here, and each holds a result. */
const MOST_EVENTS = 16;
/** Chunks that are done and may yet be done by somebody else. */
const MOST_RECENT = 4096;
/** How long the second of two is waited for when all else is done. */
const CHECK_MS = 60_000;

/** Behind the id of a job that is done for comparison. */
const CHECK = "-check";

type Place = Pick<Chunk, "name" | "label">;

/** Resolves when there is a result for each chunk. @throws Disagreement, IoError, what the chunks throw */
export async function coordinate(
  chunks: AsyncIterable<Chunk>,
  results: Results,
  options: CoordinateOptions,
): Promise<void> {
  const { redis, queue: name } = options;
  const events = { maxLen: MOST_EVENTS };
  const queue = new Queue<JobData, JobResult>(name, { connection: redis, streams: { events } });
  queue.on("error", () => undefined); // of the connection, which says so itself
  try {
    const coordinator = new Coordinator(queue, results, options);
    await coordinator.run(chunks).catch(async (error: unknown) => {
      await coordinator.withdraw();
      throw error;
    });
    await queue.trimEvents(0).catch(() => undefined); // each holds a result, which is safe here by now
  } finally {
    await queue.close();
  }
}

class Coordinator {
  readonly #queue: Queue<JobData, JobResult>;
  readonly #results: Results;
  readonly #options: CoordinateOptions;
  /** Handed out, by the ids of their jobs. */
  readonly #window = new Map<string, Chunk>();
  /** Done, and being done again for comparison. */
  readonly #checks = new Map<string, Place>();
  readonly #recent = new Map<string, Place>();
  #workers: readonly SeenWorker[] = [];
  #workersMs = Number.NEGATIVE_INFINITY;
  #lostMs = performance.now();
  #nTaken = 0;

  constructor(queue: Queue<JobData, JobResult>, results: Results, options: CoordinateOptions) {
    this.#queue = queue;
    this.#results = results;
    this.#options = options;
  }

  async run(chunks: AsyncIterable<Chunk>): Promise<void> {
    const { signal, onChunk } = this.#options;
    const iterator = chunks[Symbol.asyncIterator]();
    for (let isEnd = false; !isEnd || this.#window.size > 0; ) {
      signal.throwIfAborted();
      await this.#look();
      while (!isEnd && this.#window.size < 4 * this.#workers.length + 16) {
        const { value: chunk, done } = await iterator.next();
        if (done) isEnd = true;
        else if (chunk.isDone) {
          await this.#forget(chunk);
          onChunk(chunk, 0);
        } else await this.#add(chunk);
      }
      await this.#collect();
      if (this.#window.size > 0) await sleep(POLL_MS);
    }
    await this.#endChecks();
  }

  /** Takes back what nobody has begun. */
  async withdraw(): Promise<void> {
    for (const id of [...this.#window.keys(), ...this.#checks.keys()]) await this.#queue.remove(id).catch(() => 0);
  }

  async #add(chunk: Chunk): Promise<void> {
    this.#window.set(chunk.id, chunk);
    await this.#queue.add("chunk", await dataOf(chunk), { ...JOB_OPTIONS, jobId: chunk.id });
  }

  /** Now and then: who works? */
  async #look(): Promise<void> {
    const now = performance.now();
    if (now - this.#workersMs < WORKERS_MS) return;
    this.#workersMs = now;
    const { redis, queue, onWorkers } = this.#options;
    const all = await seenWorkers(redis);
    this.#workers = all.filter((worker) => worker.queue === queue);
    onWorkers(all);
  }

  async #collect(): Promise<void> {
    for (const id of await this.#queue.getRanges(["completed", "failed"], 0, -1)) {
      const [chunk, check] = [this.#window.get(id), this.#checks.get(id)];
      if (chunk !== undefined) await this.#take(chunk);
      else if (check !== undefined) {
        await this.#compare(id, check);
        await this.#dropCheck(id);
      }
    }
    await this.#takeLate();
    await this.#addLost();
  }

  /** Adds again what the queue does not know any more. One question tells that it has them all; each is asked for where it has not. */
  async #addLost(): Promise<void> {
    const ids = [...this.#window.keys(), ...this.#checks.keys()];
    if (ids.length === 0) return;
    const nKnown = await this.#options.redis.exists(...ids.map((id) => this.#queue.toKey(id)));
    const now = performance.now();
    if (nKnown === ids.length && now - this.#lostMs < LOST_MS) return;
    this.#lostMs = now;
    const states = await Promise.all(ids.map((id) => this.#queue.getJobState(id)));
    for (const [i, id] of ids.entries()) {
      if (states[i] !== "unknown") continue;
      const chunk = this.#window.get(id);
      if (chunk !== undefined) await this.#add(chunk);
      else this.#checks.delete(id);
    }
  }

  /** The result is kept here before it goes there. */
  async #take(chunk: Chunk): Promise<void> {
    const job = await this.#queue.getJob(chunk.id);
    if (job?.finishedOn === undefined) return; // gone meanwhile: it will be found lost
    if (job.returnvalue == null) return this.#fail(chunk, job.failedReason);
    const { worker, ms } = job.returnvalue;
    await this.#results.put(chunk, await productOf(job.returnvalue), worker);
    await this.#queue.remove(chunk.id);
    this.#taken(chunk, ms);
    const { checkEvery } = this.#options;
    const isChecked = checkEvery > 0 && this.#nTaken % checkEvery === 0;
    this.#nTaken++;
    if (isChecked && this.#workers.length > 1) {
      const id = `${chunk.id}${CHECK}`;
      this.#checks.set(id, chunk);
      await this.#queue.add("check", await dataOf(chunk, worker), { ...JOB_OPTIONS, jobId: id });
    }
  }

  #taken(chunk: Chunk, ms: number): void {
    this.#window.delete(chunk.id);
    this.#recent.set(chunk.id, { name: chunk.name, label: chunk.label });
    if (this.#recent.size > MOST_RECENT) this.#recent.delete(this.#recent.keys().next().value as string);
    this.#options.onChunk(chunk, ms);
  }

  async #fail(chunk: Chunk, reason: string): Promise<void> {
    await this.#queue.remove(chunk.id); // the next run tries anew
    const { code, message, worker } = failureOf(reason);
    const parts = code === TOO_LARGE ? chunk.split?.() : undefined;
    if (parts === undefined) throw failed(`${chunk.label}: ${worker}: ${message}`, code);
    this.#window.delete(chunk.id);
    for (const part of parts) await this.#add(part);
  }

  /** What an earlier coordinator kept and could not remove. */
  async #forget(chunk: Chunk): Promise<void> {
    if ((await this.#queue.getJobState(chunk.id)) === "completed") await this.#compare(chunk.id, chunk);
    await this.#queue.remove(chunk.id);
  }

  async #compare(id: string, place: Place): Promise<void> {
    const job = await this.#queue.getJob(id);
    if (job?.returnvalue == null) return;
    await this.#results.put(place, await productOf(job.returnvalue), job.returnvalue.worker);
  }

  async #dropCheck(id: string): Promise<void> {
    this.#checks.delete(id);
    await this.#queue.remove(id);
  }

  /**
   * Results of workers whose job was given to another, or forgotten by the queue. Where there is none yet, it is as good as any: what is done
   * is not done again. Those of other runs are left to these.
   */
  async #takeLate(): Promise<void> {
    const { redis, queue } = this.#options;
    for (const text of await redis.lrange(lateKey(queue), 0, -1)) {
      const late = JSON.parse(text) as LateResult;
      const chunk = this.#window.get(late.id);
      const place = chunk ?? this.#recent.get(late.id);
      if (place === undefined) continue;
      await this.#results.put(place, await productOf(late), late.worker);
      await redis.lrem(lateKey(queue), 1, text);
      if (chunk === undefined) continue;
      this.#taken(chunk, late.ms);
      // somebody may be at it already: then the two are compared
      const isRemoved = await this.#queue.remove(chunk.id).catch(() => 0);
      if (isRemoved === 0) this.#checks.set(chunk.id, chunk);
    }
  }

  /** Comparisons that somebody is at are waited for; those that nobody has begun, as long as there is somebody to do them. */
  async #endChecks(): Promise<void> {
    const endMs = performance.now() + CHECK_MS;
    while (this.#checks.size > 0 && performance.now() < endMs) {
      this.#options.signal.throwIfAborted();
      await this.#look();
      await this.#collect();
      if (this.#workers.length < 2) break;
      await sleep(POLL_MS);
    }
    await this.withdraw();
  }
}

/** What a worker said when it gave up; or the queue, for a job whose workers all died. */
function failureOf(reason: string): JobFailure {
  try {
    return JSON.parse(reason) as JobFailure;
  } catch {
    return { worker: "the queue", code: "E_IO", message: printable(reason, 200) };
  }
}

function failed(message: string, code: string): Error {
  if (code === "internal_error") return new Error(message);
  return new IoError({ code: "E_IO", message });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
