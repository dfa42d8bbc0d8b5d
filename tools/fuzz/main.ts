// pnpm fuzz -- [--seconds 20] [--target pickle] [--seed 1] [--inputs 1000000] [--out fuzz-finds] [--replay FILE]

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { replay, runFuzz } from "./supervisor.ts";
import { TARGETS } from "./target.ts";
import type { Find } from "./worker.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"), // pnpm passes its own separator on
  options: {
    seconds: { type: "string", default: "20" },
    target: { type: "string", multiple: true, default: [...TARGETS.keys()] },
    seed: { type: "string", default: "1" },
    inputs: { type: "string" },
    out: { type: "string", default: "fuzz-finds" },
    replay: { type: "string" },
  },
});

/** Writes the input of a find to a file, to be replayed and to become a fixture. */
function keep({ target, input, what }: Find): void {
  mkdirSync(values.out, { recursive: true });
  const hash = createHash("sha256").update(input).digest("hex").slice(0, 12);
  const path = join(values.out, `${target}-${hash}.bin`);
  writeFileSync(path, input);
  writeFileSync(`${path}.txt`, `${what}\n`);
  console.log(`  ${path}: ${what.split("\n", 4).join("\n    ")}`);
}

let nFinds = 0;
for (const target of values.target) {
  if (!TARGETS.has(target)) throw new Error(`--target is one of ${[...TARGETS.keys()].join(", ")}`);
  const begin = performance.now();
  const report =
    values.replay === undefined
      ? await runFuzz({
          target,
          seconds: Number(values.seconds),
          seed: Number(values.seed),
          ...(values.inputs === undefined ? {} : { maxInputs: Number(values.inputs) }),
        })
      : await replay(target, readFileSync(values.replay));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const reached = `${report.edges} edges, corpus of ${report.corpus}, slowest ${report.slowestMs.toFixed(0)} ms`;
  console.log(`${target}: ${report.inputs} inputs, ${reached}, ${report.finds.length} finds in ${seconds} s`);
  if (values.replay === undefined) for (const find of report.finds) keep(find);
  else for (const find of report.finds) console.log(`  ${find.what}`);
  nFinds += report.finds.length;
}
process.exitCode = nFinds === 0 ? 0 : 1;
