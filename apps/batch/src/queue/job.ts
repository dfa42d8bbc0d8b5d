// What goes through the queue: chunks to workers, what came of them, and what went wrong, back.

import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { JobsOptions } from "bullmq";
import type { Chunk, Product } from "../jobs/job-kind.ts";

export interface JobData {
  /** In words. */
  readonly label: string;
  readonly units: number;
  /** Compressed. */
  readonly payload: string;
  /** Of the worker that did it already: it is done again by another, to be compared. */
  readonly not?: string;
}

export interface JobResult {
  readonly worker: string;
  readonly failed: number;
  /** How long it took. */
  readonly ms: number;
  /** Compressed. */
  readonly text: string;
}

/** A result that came when its job was another's: nobody asked for it, and it has to be the same. */
export interface LateResult extends JobResult {
  readonly id: string;
}

export interface JobFailure {
  readonly worker: string;
  readonly code: string;
  readonly message: string;
}

/** A result is too large for the queue: the chunk is to be cut. */
export const TOO_LARGE = "E_TOO_LARGE";

/** Compressed, of a result that could be cut, and of one that cannot. */
export const MOST_RESULT_BYTES: number = 1024 * 1024;
export const MOST_UNIT_BYTES: number = 32 * 1024 * 1024;

/** Only the coordinator removes jobs. What may pass is tried again, after 1, 2, 4, 8 seconds. */
export const JOB_OPTIONS: JobsOptions = {
  attempts: 5,
  backoff: { type: "exponential", delay: 1000 },
  removeOnComplete: false,
  removeOnFail: false,
  stackTraceLimit: 1,
};

/** Workers of the same fingerprint take from the same queue. */
export function queueName(kind: string, fingerprint: string): string {
  return `ll-${kind}-${fingerprint}`;
}

export function lateKey(queue: string): string {
  return `ll-batch:late:${queue}`;
}

const compress = promisify(gzip) as (bytes: string) => Promise<Buffer>;
const expand = promisify(gunzip) as (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Of what another machine compressed. */
const MOST_EXPANDED_BYTES = 512 * 1024 * 1024;

export async function packed(text: string): Promise<string> {
  return (await compress(text)).toString("base64");
}

export async function unpacked(text: string): Promise<string> {
  const bytes = await expand(Buffer.from(text, "base64"), { maxOutputLength: MOST_EXPANDED_BYTES });
  return bytes.toString("utf8");
}

export async function dataOf({ label, units, payload }: Chunk, not?: string): Promise<JobData> {
  return { label, units, payload: await packed(payload), ...(not !== undefined && { not }) };
}

export async function productOf({ text, failed }: JobResult): Promise<Product> {
  return { text: await unpacked(text), failed };
}
