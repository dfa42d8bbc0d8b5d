// How far a long piece of work has come, on standard error: one line that is redrawn on a terminal, one line per 10 %
// elsewhere, nothing at all for work that is over within a second.

import type { Io } from "./command.ts";

const SILENT_MS = 1000;
const REDRAW_MS = 100;
const STEPS = 10;

export interface Progress {
  /** `done` of the total are finished; `label` says what is being worked on. */
  update(done: number, label: string): void;
  /** Prints a whole line where the progress line stands, which moves below it. */
  line(text: string): void;
  /** Takes the progress line away. */
  finish(): void;
}

export interface ProgressOptions {
  /** Units of work in all, in whatever unit `update` counts. */
  readonly total: number;
  /** False shows nothing. */
  readonly enabled: boolean;
}

export function createProgress(io: Io, options: ProgressOptions): Progress {
  const { err, now = () => performance.now() } = io;
  const { CI, TERM } = io.env;
  const redraws = err.isTty && CI === undefined && TERM !== "dumb";
  const startMs = now();
  let drawnMs = Number.NEGATIVE_INFINITY;
  let drawn = false;
  let steps = 0;

  const clear = (): void => {
    if (drawn) err.control("\r\x1b[K");
    drawn = false;
  };
  return {
    update(done, label) {
      const elapsedMs = now() - startMs;
      const step = Math.floor((done / options.total) * STEPS);
      const reached = step > steps && step < STEPS;
      steps = Math.max(steps, step);
      if (!options.enabled || elapsedMs < SILENT_MS) return;
      const eta = `ETA ${duration(done === 0 ? Number.NaN : (elapsedMs * (options.total - done)) / done)}`;
      if (!redraws) {
        if (reached) err.write(`${step * (100 / STEPS)} %  ${label}  ${eta}\n`);
      } else if (elapsedMs - drawnMs >= REDRAW_MS) {
        clear();
        // one column is left free: a full line makes some terminals wrap
        err.write(`${label.slice(0, Math.max(0, err.columns - eta.length - 3))}  ${eta}`);
        drawn = true;
        drawnMs = elapsedMs;
      }
    },
    line(text) {
      clear();
      err.write(`${text}\n`);
    },
    finish: clear,
  };
}

/** Minutes and seconds, such as `1:12`; hours in front from 60 minutes on. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "-:--";
  const seconds = Math.round(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  const tail = `${hours > 0 ? two(minutes) : minutes}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}
