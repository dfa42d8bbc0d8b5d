// Nanoseconds that one thread takes to pack a value for a GGUF file: the WebAssembly packers beside `packGgufRows`, in turns, with importance and
// without; the fastest of several runs. The bytes must be equal. Run from the package folder:
//   node --conditions=@ll/source bench/gguf-packers.bench.ts [type…]

import {
  BLOCK_TYPES,
  bindGgufPackers,
  LOWEST_POINTER,
  loadGgufPackers,
  PACKER_SCRATCH_BYTES,
  packGgufRows,
  rowBytes,
} from "../src/index.ts";

const COLUMNS = 4096;
const ROWS = 16;
const RUNS = 9;
const N_VALUES = ROWS * COLUMNS;

const SRC = LOWEST_POINTER + PACKER_SCRATCH_BYTES;
const IMPORTANCE = SRC + 4 * N_VALUES;
const DST = IMPORTANCE + 4 * COLUMNS;

const memory = new WebAssembly.Memory({ initial: Math.ceil((DST + 4 * N_VALUES) / 65536) });
const packers = bindGgufPackers(await loadGgufPackers(), memory, LOWEST_POINTER);
let state = 1;
const next = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) / 2 ** 24 - 0.5;
};
const values = new Float32Array(memory.buffer, SRC, N_VALUES).map(() => 0.02 * (next() + next() + next())); // (ROWS, COLUMNS)
const importance = Float32Array.from({ length: COLUMNS }, () => 0.5 + next()); // (COLUMNS)
new Float32Array(memory.buffer, SRC, N_VALUES).set(values);
new Float32Array(memory.buffer, IMPORTANCE, COLUMNS).set(importance);

console.log(`Node ${process.versions.node}, nanoseconds a value`);
console.log("type     importance  packer   twin  times faster");
const types = process.argv.length > 2 ? process.argv.slice(2) : BLOCK_TYPES;
for (const type of types) {
  for (const isWeighted of [false, true]) {
    const pack = packers.packer(type, isWeighted);
    if (pack === undefined || (isWeighted && type === "mxfp4")) continue;
    const placed = isWeighted ? { pointer: IMPORTANCE, rowValues: COLUMNS } : undefined;
    const weights = isWeighted ? importance : undefined;
    const out = new Uint8Array(rowBytes(type, N_VALUES));
    const [fast, slow] = inTurns(
      () => pack(SRC, DST, N_VALUES, placed),
      () => packGgufRows(type, values, out, weights),
    );
    if (Buffer.compare(out, new Uint8Array(memory.buffer, DST, out.length)) !== 0)
      throw new Error(`${type}: other bytes`);
    const figures = [fast.toFixed(1).padStart(7), slow.toFixed(0).padStart(6), (slow / fast).toFixed(0).padStart(13)];
    console.log(`${type.padEnd(8)} ${(isWeighted ? "yes" : "no").padEnd(11)} ${figures.join(" ")}`);
  }
}

/** Of each piece of work, nanoseconds a value. */
function inTurns(...works: (() => unknown)[]): [number, number] {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < RUNS; run++) {
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      work();
      best[i] = Math.min(best[i] as number, (1e6 * (performance.now() - start)) / N_VALUES);
    }
  }
  return best as [number, number];
}
