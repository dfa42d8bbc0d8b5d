// Who works: each worker says so every few seconds, and what it is. Whoever is silent for longer is not counted.

import type { Redis } from "ioredis";

export interface Announcement {
  readonly queue: string;
  /** What its results depend on. */
  readonly terms: Readonly<Record<string, string | number>>;
  /** What else it says of itself: kernels, threads. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Units in a second, in the mean since it began; 0 before the first. */
  readonly rate: number;
}

export interface SeenWorker extends Announcement {
  readonly name: string;
}

const KEY = "ll-batch:workers";
export const ANNOUNCE_MS = 3000;
const SILENT_MS = 15_000;
/** The list itself goes some time after the last worker. */
const LIST_SECONDS = 3600;

export async function announce(redis: Redis, name: string, announcement: Announcement): Promise<void> {
  const entry = JSON.stringify({ ...announcement, seenMs: await nowMs(redis) });
  await redis.multi().hset(KEY, name, entry).expire(KEY, LIST_SECONDS).exec();
}

export async function leave(redis: Redis, name: string): Promise<void> {
  await redis.hdel(KEY, name);
}

/** Those of all queues. */
export async function seenWorkers(redis: Redis): Promise<SeenWorker[]> {
  const now = await nowMs(redis);
  const seen: SeenWorker[] = [];
  for (const [name, text] of Object.entries(await redis.hgetall(KEY))) {
    const { seenMs, ...announcement } = JSON.parse(text) as Announcement & { seenMs: number };
    if (now - seenMs < SILENT_MS) seen.push({ name, ...announcement });
    else await redis.hdel(KEY, name);
  }
  return seen.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By the one clock that all see. */
async function nowMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
