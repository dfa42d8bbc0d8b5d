// node --conditions=@ll/source tools/hostile-cost.ts [--mib 4]
// What the inputs that cost most really take: processor time for each MiB of the input and for each step of the budget, and memory
// of the heap. Tests hold the counters of the budget against the promise; this says what the counters stand for.

import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isFormatError } from "@ll/bytes";
import { countingBudget } from "./counting-budget.ts";
import { type HostileInput, hostileInputs } from "./hostile-inputs.ts";

const { values } = parseArgs({ options: { mib: { type: "string", default: "4" } } });
const MEBIBYTE = 1024 * 1024;
const ROUNDS = 5;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

interface Cost {
  readonly ms: number;
  readonly steps: number;
  /** Held by what was counted, and grown by the heap and its buffers with all that is reachable and not yet collected. */
  readonly counted: number;
  readonly grown: number;
}

async function costOf({ bytes, parse }: HostileInput): Promise<Cost> {
  const budget = countingBudget();
  collectGarbage();
  const before = process.memoryUsage();
  const begin = process.threadCpuUsage();
  let result: unknown;
  try {
    result = await parse(bytes, budget);
  } catch (error) {
    if (!isFormatError(error)) throw error;
  }
  const { user, system } = process.threadCpuUsage(begin);
  const ms = (user + system) / 1000;
  collectGarbage();
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  return { ms, steps: budget.usedSteps, counted: budget.peakBytes, grown: result === undefined ? 0 : grown };
}

const mib = (bytes: number): string => (bytes / MEBIBYTE).toFixed(1).padStart(7);
console.log("input                                             MiB  counted     kept  steps/B  ms/MiB  ns/step");
for (const input of hostileInputs(Number(values.mib) * MEBIBYTE)) {
  let best = await costOf(input);
  for (let round = 1; round < ROUNDS; round++) {
    const cost = await costOf(input);
    if (cost.ms < best.ms) best = cost;
  }
  const size = input.bytes.length;
  const columns = [
    (best.steps / size).toFixed(2).padStart(8),
    ((best.ms * MEBIBYTE) / size).toFixed(1).padStart(7),
    ((best.ms * 1e6) / best.steps).toFixed(0).padStart(8),
  ];
  console.log(`${input.name.padEnd(46)}${mib(size)}  ${mib(best.counted)}  ${mib(best.grown)} ${columns.join(" ")}`);
}
