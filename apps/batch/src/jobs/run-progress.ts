// How far a run has come, on standard error: units, their rate, and when the input will be through.

import { countText, createProgress, type Io } from "@ll/cli/frame";
import type { Chunk } from "./job-kind.ts";

export interface RunProgress {
  /** A result is there; `isNew` if it is of this run. */
  chunk(chunk: Chunk): void;
  line(text: string): void;
  finish(): void;
  /** In all, and those of this run. */
  readonly units: number;
  readonly newUnits: number;
}

export interface RunProgressOptions {
  /** What is counted: `lines`. */
  readonly unit: string;
  /** Of the input. */
  readonly bytes: number;
  readonly isShown: boolean;
  /** Behind the rate, such as how many work. */
  readonly note: () => string;
}

export function createRunProgress(io: Io, { unit, bytes, isShown, note }: RunProgressOptions): RunProgress {
  const { now = () => performance.now() } = io;
  const startMs = now();
  let [units, newUnits, newBytes, oldBytes] = [0, 0, 0, 0];
  // what was there already says nothing of how fast the rest goes
  let progress = createProgress(io, { total: bytes, enabled: isShown });
  return {
    chunk(chunk) {
      units += chunk.units;
      if (chunk.isDone) {
        oldBytes += chunk.bytes;
        progress = createProgress(io, { total: bytes - oldBytes, enabled: isShown });
        return;
      }
      newUnits += chunk.units;
      newBytes += chunk.bytes;
      const rate = (1000 * newUnits) / Math.max(1, now() - startMs);
      progress.update(newBytes, `${countText(units)} ${unit}, ${rate.toPrecision(3)} ${unit}/s${note()}`);
    },
    line: (text) => progress.line(text),
    finish: () => progress.finish(),
    get units() {
      return units;
    },
    get newUnits() {
      return newUnits;
    },
  };
}
