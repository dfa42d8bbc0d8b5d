// Does the work of a queue: takes a chunk when half of its places are idle, says that it is alive, and gives back what it cannot finish.

import { isError } from "@ll/bytes";
import { type Job, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { JobRunner } from "../jobs/job-kind.ts";
import { ANNOUNCE_MS, type Announcement, announce, leave } from "./announce.ts";
import {
  type JobData,
  type JobFailure,
  type JobResult,
  lateKey,
  MOST_RESULT_BYTES,
  MOST_UNIT_BYTES,
  packed,
  TOO_LARGE,
  unpacked,
} from "./job.ts";

export interface WorkerOptions {
  readonly redis: Redis;
  readonly queue: string;
  readonly name: string;
  readonly terms: Announcement["terms"];
  readonly runner: JobRunner;
  /** A job whose worker is silent for so long is another's. */
  readonly lockMs: number;
  /** How often it is looked for such jobs. */
  readonly stalledMs: number;
  readonly onChunk: (label: string, units: number, ms: number) => void;
  readonly say: (text: string) => void;
}

export interface QueueWorker {
  /** Rejects when the engine is dead: the process is to be started again. */
  readonly ended: Promise<void>;
  /** Takes nothing more. Resolves when all is done, or given back after `ms`: true if nothing was. */
  drain(ms: number): Promise<boolean>;
}

/** How often a job may lose its worker. */
const MOST_STALLED = 20;
/** Seconds that a worker without work waits at a time: so long it may take to hear that it is to end. */
const WAIT_SECONDS = 1;
const RETRY_MS = 500;
/** To give back what was begun, and to hear that there is no work. */
const END_MS = 2000;
/** Before another worker looks at a job that this one is not to do. */
const AVOID_MS = 500;
/** Late results that are kept for coordinators, and for how long. */
const MOST_LATE = 64;
const LATE_SECONDS = 3600;

/** Errors after which another try, maybe of another worker, may succeed. */
const MAY_PASS: ReadonlySet<string> = new Set([
  "E_NOMEM",
  "E_WORKER",
  "E_IO",
  "E_ENGINE",
  "E_DISPOSED",
  "engine_failed",
  "draining",
]);

const GIVEN_BACK = new Error("given back");
const LOST = new Error("the job is another's");

export function startWorker(options: WorkerOptions): QueueWorker {
  const worker = new QueueLoop(options);
  return { ended: worker.run(), drain: (ms) => worker.drain(ms) };
}

class QueueLoop {
  readonly #options: WorkerOptions;
  readonly #worker: Worker<JobData, JobResult>;
  readonly #running = new Map<Promise<void>, AbortController>();
  #isDraining = false;
  #isWhole = true;
  #dead: unknown;
  #n = 0;
  #units = 0;
  readonly #startMs = performance.now();
  #looped: Promise<unknown> = Promise.resolve();
  #release: () => void = () => undefined;
  /** Nothing is waited for any more. */
  readonly #released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { queue, redis, lockMs, stalledMs } = options;
    this.#worker = new Worker<JobData, JobResult>(queue, null, {
      connection: redis,
      autorun: false,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      maxStalledCount: MOST_STALLED,
      drainDelay: WAIT_SECONDS,
    });
    this.#worker.on("error", () => undefined); // of the connection, which says so itself
  }

  async run(): Promise<void> {
    const { redis, name } = this.#options;
    const timer = setInterval(() => void this.#announce(), ANNOUNCE_MS);
    const loop = this.#loop();
    this.#looped = loop.catch(() => undefined);
    try {
      await Promise.race([loop, this.#released]);
    } finally {
      clearInterval(timer);
      await within(
        RETRY_MS,
        leave(redis, name).catch(() => undefined),
      );
      await within(
        RETRY_MS,
        this.#worker.close(true).catch(() => undefined),
      );
    }
    if (this.#dead !== undefined) throw this.#dead;
  }

  async #loop(): Promise<void> {
    const { name, runner } = this.#options;
    await this.#announce();
    await this.#worker.startStalledCheckTimer();
    while (!this.#isDraining) {
      await runner.ready();
      if (this.#isDraining) break;
      const token = `${name}-${++this.#n}`;
      const job = await this.#worker.getNextJob(token).catch(() => sleep(RETRY_MS));
      if (job === undefined) continue;
      if (this.#isDraining) await job.moveToWait(token);
      else await this.#start(job, token);
    }
    await Promise.all(this.#running.keys());
  }

  async drain(ms: number): Promise<boolean> {
    this.#isDraining = true;
    await within(ms, Promise.all(this.#running.keys()));
    for (const controller of this.#running.values()) controller.abort(GIVEN_BACK);
    await within(END_MS, this.#looped); // a server that is gone takes nothing back
    this.#release();
    return this.#isWhole;
  }

  async #announce(): Promise<void> {
    const { redis, queue, name, terms, runner } = this.#options;
    const rate = (1000 * this.#units) / Math.max(1, performance.now() - this.#startMs);
    await announce(redis, name, { queue, terms, facts: runner.facts, rate }).catch(() => undefined);
  }

  /** Resolves when the runner has the work, so that it knows whether it could do with more. */
  async #start(job: Job<JobData, JobResult>, token: string): Promise<void> {
    const controller = new AbortController();
    const payload = await unpacked(job.data.payload).catch(() => "");
    const work = this.#work(job, token, payload, controller)
      .catch((error: unknown) => this.#options.say(`${job.data.label}: ${messageOf(error)}`))
      .finally(() => this.#running.delete(work));
    this.#running.set(work, controller);
  }

  async #work(
    job: Job<JobData, JobResult>,
    token: string,
    payload: string,
    controller: AbortController,
  ): Promise<void> {
    const { name, runner, lockMs, onChunk } = this.#options;
    const { data } = job;
    if (data.not === name) return job.moveToDelayed(Date.now() + AVOID_MS, token);
    const startMs = performance.now();
    const renewal = setInterval(() => {
      job.extendLock(token, lockMs).then(
        (isOurs) => {
          if (!isOurs) controller.abort(LOST);
        },
        () => controller.abort(LOST),
      );
    }, lockMs / 2);
    try {
      const { text, failed } = await runner.run(payload, controller.signal);
      const result = { worker: name, failed, ms: performance.now() - startMs, text: await packed(text) };
      const most = data.units > 1 ? MOST_RESULT_BYTES : MOST_UNIT_BYTES;
      if (result.text.length > (most * 4) / 3) throw tooLarge(result.text.length);
      await this.#deliver(job, token, result);
      this.#units += data.units;
      onChunk(data.label, data.units, result.ms);
    } catch (error) {
      await this.#giveUp(job, token, error);
    } finally {
      clearInterval(renewal);
    }
  }

  /** A result that comes too late is shown to the coordinator all the same, to be compared. */
  async #deliver(job: Job<JobData, JobResult>, token: string, result: JobResult): Promise<void> {
    const { redis, queue, say } = this.#options;
    try {
      await job.moveToCompleted(result, token, false);
    } catch {
      say(`${job.data.label}: done, and so it was by another`);
      const late = JSON.stringify({ id: job.id?.replace(/-check$/, ""), ...result });
      const key = lateKey(queue);
      await redis
        .multi()
        .lpush(key, late)
        .ltrim(key, 0, MOST_LATE - 1)
        .expire(key, LATE_SECONDS)
        .exec();
    }
  }

  async #giveUp(job: Job<JobData, JobResult>, token: string, error: unknown): Promise<void> {
    if (error === LOST) {
      this.#options.say(`${job.data.label}: lost, and left to another`);
      return;
    }
    if (error === GIVEN_BACK) {
      this.#isWhole = false;
      await job.moveToWait(token);
      return;
    }
    const code = codeOf(error);
    const failure: JobFailure = { worker: this.#options.name, code, message: messageOf(error) };
    const text = JSON.stringify(failure);
    const mayPass = MAY_PASS.has(code);
    if (mayPass && code !== "E_IO" && !this.#isDraining) {
      this.#dead = error;
      this.#isDraining = true;
    }
    await job.moveToFailed(mayPass ? new Error(text) : new UnrecoverableError(text), token, false);
  }
}

function tooLarge(bytes: number): Error {
  return Object.assign(new Error(`a result of ${bytes} bytes, compressed, is too large for the queue`), {
    code: TOO_LARGE,
  });
}

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === "MemoryError") return "E_NOMEM";
  return typeof code === "string" ? code : "internal_error";
}

function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

/** Waits for it, and no longer than so. No timer is left behind: a process that has nothing more to do ends. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, end]).finally(() => clearTimeout(timer));
}

function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
