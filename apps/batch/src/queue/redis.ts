// The connection to Redis: kept through its restarts, and said to be lost without telling its password.

import { IoError, printable } from "@ll/bytes";
import { Redis } from "ioredis";

/** What a Redis that is only being started may take. */
const START_MS = 30_000;
const MOST_RETRY_MS = 2000;

/**
 * @param say is told when the server cannot be reached, and when it can again
 * @throws IoError if there is none, or it lets nobody in
 */
export async function openRedis(url: string, say: (text: string) => void): Promise<Redis> {
  const { hostname, port } = new URL(url);
  const name = `${hostname || "localhost"}:${port || 6379}`;
  let isLost = false;
  const redis = new Redis(url, {
    maxRetriesPerRequest: null, // a server that is gone comes back
    retryStrategy: (attempt) => Math.min(100 * attempt, MOST_RETRY_MS),
  });
  redis.on("error", (error: Error) => {
    if (!isLost) say(`the queue at ${name} cannot be reached: ${reasonOf(error)}; trying again`);
    isLost = true;
  });
  redis.on("ready", () => {
    if (isLost) say(`the queue at ${name} is there`);
    isLost = false;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${START_MS / 1000} s`)), START_MS);
  });
  try {
    await Promise.race([redis.ping(), late]);
  } catch (error) {
    redis.disconnect();
    throw new IoError({ code: "E_IO", message: `the queue at ${name} cannot be used: ${reasonOf(error)}` });
  } finally {
    clearTimeout(timer);
  }
  return redis;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return printable(message || code || "no reason given", 200);
}
