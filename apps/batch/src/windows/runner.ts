// Scores windows of a text: what a worker gets are ids, what it gives are the log-probabilities of the scored ones.

import type { Io } from "@ll/cli/frame";
import { openWindowScorer } from "@ll/cli/jobs";
import type { JobRunner } from "../jobs/job-kind.ts";
import { oneByOne } from "../jobs/one-by-one.ts";
import type { Contract } from "../model/open.ts";
import type { ModelParams } from "../model/options.ts";

/** Of a window, where nobody says it: as ll-perplexity has it. */
export const WINDOW_TOKENS = 512;

/** The runner of a model. */
export async function windowsOfModel(
  { path, contextTokens, fingerprint }: Contract,
  { threads, arithmetic, kvType }: ModelParams,
  io: Io,
): Promise<JobRunner> {
  const options = { model: path, contextTokens, threads, arithmetic, kvType };
  const { facts, score, close } = await openWindowScorer(options, io);
  return oneByOne({
    facts: { fingerprint, ...facts },
    async run(payload, signal) {
      let text = "";
      for (const ids of JSON.parse(payload) as readonly number[][]) {
        text += `${encoded(await score(Int32Array.from(ids), signal))}\n`;
      }
      return { text, failed: 0 };
    },
    close,
  });
}

/** Bit by bit, in base64: adding them up in order gives the very sums of one run. */
function encoded(values: Float32Array): string {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true);
  return Buffer.from(view.buffer).toString("base64");
}

/** The windows of a result. */
export function decodeWindows(text: string): Float32Array[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const bytes = Buffer.from(line, "base64");
      return Float32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(4 * i));
    });
}
