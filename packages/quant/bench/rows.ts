// Values per second that one thread packs, unpacks and multiplies, for every type. Run from the package folder:
//   node --conditions=@ll/source bench/rows.ts [type…]

import { BLOCK_TYPES, blockInfo, dot, packActivation, packRows, rowBytes, unpackRows } from "../src/index.ts";

const COLUMNS = 4096;
const ROWS = 64;
const REPEATS = 12;

/** Numbers around zero, roughly bell-shaped, the same on every run. */
function noise(count: number): Float32Array {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
  return Float32Array.from({ length: count }, () => next() + next() + next());
}

/** Million values per second in the fastest of several runs, after a warm-up of as many. */
function rate(work: () => void): string {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2 * REPEATS; i++) {
    const start = performance.now();
    work();
    if (i >= REPEATS) bestMs = Math.min(bestMs, performance.now() - start);
  }
  return ((ROWS * COLUMNS) / bestMs / 1000).toFixed(0).padStart(8);
}

const values = noise(ROWS * COLUMNS); // (ROWS, COLUMNS)
const types = process.argv.length > 2 ? process.argv.slice(2) : BLOCK_TYPES.filter((type) => blockInfo(type).canPack);
let sink = 0; // a result that is used cannot be optimised away

console.log(`Node ${process.versions.node}, ${ROWS} rows of ${COLUMNS}, million values per second`);
console.log("type       pack  unpack     dot");
for (const type of types) {
  const packed = packRows(type, values);
  const unpacked = unpackRows(type, packed);
  const activation = packActivation(type, values.subarray(0, COLUMNS));
  const bytes = rowBytes(type, COLUMNS);
  const rows = Array.from({ length: ROWS }, (_, row) => packed.subarray(row * bytes, (row + 1) * bytes));
  const packRate = rate(() => packRows(type, values, packed));
  const unpackRate = rate(() => unpackRows(type, packed, unpacked));
  const dotRate = blockInfo(type).isWeightType
    ? rate(() => {
        for (const row of rows) sink += dot(type, row, activation);
      })
    : "-".padStart(8);
  console.log(`${type.padEnd(5)}${packRate.padStart(10)}${unpackRate}${dotRate}`);
}
if (Number.isNaN(sink)) console.log("a dot product was NaN");
