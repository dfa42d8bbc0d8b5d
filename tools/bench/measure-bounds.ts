// The bound of texts and prompts: nothing but the dot kernel over all weights of a model, with the threads and the barriers of the
// engine. With one vector memory is the limit, with many the multiplications. Prints one line of JSON: tokens per second, and bytes of
// weights. Arguments: {"ggjt", "nKvHeads", "threads", "nVectors", "passes"} as JSON.

import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, expectedTensors } from "@ll/llama";
import {
  bindKernels,
  GROUP_ROWS,
  type KernelSet,
  LOWEST_POINTER,
  loadKernels,
  rowBytes,
  SCRATCH_BYTES,
} from "@ll/quant";
import { BARRIER_WORDS, Barrier } from "../../packages/llama/src/team/barrier.ts";

/** Matrices that are multiplied between two barriers. */
type Step = readonly { readonly nRows: number; readonly columns: number }[];

interface Job {
  readonly steps: readonly Step[];
  readonly thread: number;
  readonly threads: number;
  readonly nVectors: number;
  readonly passes: number;
  readonly kernels: KernelSet;
  readonly words: SharedArrayBuffer;
}

const WARM_UP_PASSES = 2;
const TYPE = "q4_0";

if (isMainThread) await main();
else work(workerData as Job);

async function main(): Promise<void> {
  const { ggjt, nKvHeads, threads, nVectors, passes } = JSON.parse(process.argv.at(-1) as string);
  const source = await openFileSource(ggjt);
  const { hyperParams } = await openGgml(source);
  await source.close();
  const config = configFromGgml(hyperParams, { nKvHeads });
  const shapes = new Map(expectedTensors(config));
  const step = (...names: string[]): Step =>
    names.map((name) => {
      const [nRows = 0, columns = 0] = shapes.get(`${name}.weight`) ?? [];
      return { nRows, columns };
    });
  const layers = Array.from({ length: config.nLayers }, (_, i) => `layers.${i}`);
  const steps = [
    ...layers.flatMap((layer) => [
      step(`${layer}.attention.wq`, `${layer}.attention.wk`, `${layer}.attention.wv`),
      step(`${layer}.attention.wo`),
      step(`${layer}.feed_forward.w1`, `${layer}.feed_forward.w3`),
      step(`${layer}.feed_forward.w2`),
    ]),
    step("output"),
  ];
  const kernels = await loadKernels();
  const words = new SharedArrayBuffer(4 * BARRIER_WORDS);
  const workers = Array.from({ length: threads }, (_, thread) => {
    const job: Job = { steps, thread, threads, nVectors, passes, kernels, words };
    return new Worker(new URL(import.meta.url), { workerData: job });
  });
  const answers = await Promise.all(workers.map((worker) => once(worker, "message")));
  const seconds = Math.max(...answers.map(([ms]) => ms)) / 1000;
  const bytes = steps.flat().reduce((sum, { nRows, columns }) => sum + nRows * rowBytes(TYPE, columns), 0);
  console.log(JSON.stringify({ rate: (nVectors * passes) / seconds, bytesPerS: (bytes * passes) / seconds }));
}

/** One thread: its rows of every matrix in a memory of its own. Posts the milliseconds that `passes` took. */
function work({ steps, thread, threads, nVectors, passes, kernels: set, words }: Job): void {
  const share = (nRows: number): number => {
    const groups = nRows / GROUP_ROWS;
    return GROUP_ROWS * (Math.floor((groups * (thread + 1)) / threads) - Math.floor((groups * thread) / threads));
  };
  const own = steps.map((step) => step.map(({ nRows, columns }) => ({ nRows: share(nRows), columns })));
  const most = { nRows: 0, columns: 0 };
  let bytes = 0;
  for (const { nRows, columns } of own.flat()) {
    most.nRows = Math.max(most.nRows, nRows);
    most.columns = Math.max(most.columns, columns);
    bytes += nRows * rowBytes(TYPE, columns);
  }

  // | scratch | rows as in a file | vectors | packed vectors | products | weights |
  const aligned = (offset: number): number => Math.ceil(offset / 64) * 64;
  const file = aligned(LOWEST_POINTER + SCRATCH_BYTES);
  const fileBytes = GROUP_ROWS * rowBytes(TYPE, most.columns);
  const vector = aligned(file + fileBytes);
  const packed = aligned(vector + 4 * nVectors * most.columns);
  const out = aligned(packed + 8 * nVectors * most.columns);
  let end = aligned(out + 4 * nVectors * most.nRows);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((end + bytes + 64 * own.flat().length) / 65536) + 1 });
  const matrix = bindKernels(set, memory).matrix(TYPE);
  fillRows(new Uint8Array(memory.buffer, file, fileBytes));
  new Float32Array(memory.buffer, vector, nVectors * most.columns).fill(0.5);
  matrix.packActivations(vector, packed, nVectors, most.columns);
  const placed = own.map((step) =>
    step.map(({ nRows, columns }) => {
      const address = end;
      for (let row = 0; row < nRows; row += GROUP_ROWS) {
        matrix.repack(file, address + matrix.weightBytes(row, columns), GROUP_ROWS, columns);
      }
      end = aligned(end + matrix.weightBytes(nRows, columns));
      return { address, nRows, columns };
    }),
  );

  const barrier = new Barrier(new Int32Array(words), threads);
  let start = 0;
  for (let pass = -WARM_UP_PASSES; pass < passes; pass++) {
    if (pass === 0) start = performance.now();
    for (const step of placed) {
      for (const { address, nRows, columns } of step) {
        if (nRows > 0) matrix.multiply(address, packed, out, 0, nRows, columns, nVectors, nRows);
      }
      barrier.arrive();
    }
  }
  parentPort?.postMessage(performance.now() - start);
}

/** Q4_0 blocks with scales like real ones: subnormal scales make kernels slow. */
function fillRows(bytes: Uint8Array): void {
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = i % 18 === 1 ? 0x21 : state >>> 24;
  }
}
