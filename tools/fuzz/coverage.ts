// Counters in the sources under test: modules are instrumented while they are loaded, in this thread only.

import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { createInstrumenter } from "istanbul-lib-instrument";

export interface Coverage {
  /** Counters that at least one run has reached. */
  readonly edges: number;
  /** Paths that no module had. */
  readonly unseen: readonly string[];
  /** Sets all counters to 0; before each run. */
  reset(): void;
  /** True if the last run reached a counter, or an order of magnitude of one, that no run before it had reached. */
  isNew(): boolean;
}

/** Counters that all instrumented modules together may have. */
const MAX_COUNTERS = 1 << 16;

/** Name under which instrumented code finds the counters. */
const COUNTERS = "__llFuzzCounters";

/** `cov_1a2b().s[3]++` and `cov_1a2b().b[3][1]++`: what the instrumenter puts at statements, functions and branches. */
const INCREMENT = /\bcov_\w+\(\)\.([sfb])\[(\d+)\](?:\[(\d+)\])?\+\+/g;

/** Instruments every module whose path has one of these parts and that is loaded from now on. */
export function coverModules(paths: readonly string[]): Coverage {
  const counters = new Uint32Array(MAX_COUNTERS);
  const reached = new Uint8Array(MAX_COUNTERS); // counter → bit set of orders of magnitude
  let nCounters = 0;
  let edges = 0;
  const seen = new Set<string>();
  const instrumenter = createInstrumenter({ esModules: true, compact: false, coverageVariable: "__llFuzzCoverage" });

  /** Each increment by name becomes one in an array: several times faster to count, to reset and to look through. */
  const instrument = (file: string): string => {
    const numbers = new Map<string, number>();
    const code = instrumenter.instrumentSync(stripTypeScriptTypes(readFileSync(file, "utf8")), file);
    const counted = code.replace(INCREMENT, (_all, kind: string, id: string, arm = "") => {
      const name = `${kind}.${id}.${arm}`;
      const number = numbers.get(name) ?? nCounters++;
      numbers.set(name, number);
      return `${COUNTERS}[${number}]++`;
    });
    if (nCounters > MAX_COUNTERS) throw new Error("more counters than there is room for");
    return `const ${COUNTERS} = globalThis.${COUNTERS};\n${counted}`;
  };

  Object.defineProperty(globalThis, COUNTERS, { value: counters });
  registerHooks({
    load(url, context, nextLoad) {
      const path = url.startsWith("file:") ? paths.find((part) => url.includes(`/${part}`)) : undefined;
      if (path === undefined) return nextLoad(url, context);
      seen.add(path);
      return { format: "module", source: instrument(fileURLToPath(url)), shortCircuit: true };
    },
  });

  return {
    get edges() {
      return edges;
    },
    get unseen() {
      return paths.filter((path) => !seen.has(path));
    },
    reset() {
      counters.fill(0, 0, nCounters);
    },
    isNew() {
      let isNew = false;
      for (let i = 0; i < nCounters; i++) {
        const count = counters[i] as number;
        if (count === 0) continue;
        const before = reached[i] as number;
        const bit = 1 << magnitude(count);
        if ((before & bit) !== 0) continue;
        if (before === 0) edges++;
        reached[i] = before | bit;
        isNew = true;
      }
      return isNew;
    },
  };
}

/** 1, 2, 3, 4–7, 8–15, 16–31, 32–127, more: the steps of AFL (lcamtuf.coredump.cx/afl/technical_details.txt). */
function magnitude(count: number): number {
  if (count < 4) return count - 1;
  if (count < 32) return Math.floor(Math.log2(count)) + 1;
  return count < 128 ? 6 : 7;
}
