// HellaSwag tasks in a text file: six lines each, the story (`Activity: text`), the index of the right ending, four endings.

import { createRng, type Rng } from "@ll/sampling";
import { Refusal } from "../../errors.ts";

export interface Task {
  readonly story: Uint8Array;
  /** Index into `endings`. */
  readonly right: number;
  /** Four, each with a space in front. */
  readonly endings: readonly Uint8Array[];
}

const TASK_LINES = 6;
const NEWLINE = 0x0a;

/** Undefined if the lines do not come in sixes. @throws Refusal for a right ending that is no number */
export function readTasks(text: Uint8Array): Task[] | undefined {
  const lines = splitLines(text);
  if (lines.length % TASK_LINES !== 0) return undefined;
  const tasks: Task[] = [];
  for (let i = 0; i < lines.length; i += TASK_LINES) {
    const [story, right, ...endings] = lines.slice(i, i + TASK_LINES) as [Uint8Array, Uint8Array, ...Uint8Array[]];
    tasks.push({ story, right: readIndex(right, i + 2), endings: endings.map((line) => Buffer.concat([SPACE, line])) });
  }
  return tasks;
}

const SPACE = Uint8Array.of(0x20);

/** Lines without their newlines; what follows the last newline counts only if it is not empty. */
function splitLines(text: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline;
    lines.push(text.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function readIndex(line: Uint8Array, lineNumber: number): number {
  const text = new TextDecoder().decode(line);
  const index = /^\s*[+-]?\d+/.exec(text)?.[0]; // what follows the number does not matter, as in C
  if (index === undefined)
    throw new Refusal(`line ${lineNumber} of the tasks expected the index of the right ending, got "${text}"`);
  return Number(index);
}

/** Seed of the choice, whatever --seed says: scores of different models are about the same tasks. */
const SELECTION_SEED = 1;

/** `nTasks` of the tasks at random, all of them for a negative number; in the order in which they are drawn. */
export function selectTasks(tasks: readonly Task[], nTasks: number): Task[] {
  const rng = createRng(SELECTION_SEED);
  const left = [...tasks];
  const selected: Task[] = [];
  const most = nTasks < 0 ? left.length : Math.min(nTasks, left.length);
  while (selected.length < most) selected.push(...left.splice(drawUniform(rng, left.length), 1));
  return selected;
}

/** A number from 0 to n − 1, each as likely: Lemire's method (arXiv:1805.10941), as in libstdc++ 11. */
function drawUniform(rng: Rng, n: number): number {
  const range = BigInt(n);
  const threshold = (2n ** 32n - range) % range;
  for (;;) {
    const product = BigInt(rng.next()) * range;
    const low = BigInt.asUintN(32, product);
    if (low >= range || low >= threshold) return Number(product >> 32n);
  }
}
