// What a coordinator says of those who work: who comes, who goes, and why some do not count.

import { printable } from "@ll/bytes";
import type { SeenWorker } from "./announce.ts";

export interface Roster {
  /** Of all queues. */
  seen(workers: readonly SeenWorker[]): void;
  /** `, 3 workers`. */
  readonly note: string;
}

/** Without a worker for so long, it is said. */
const ALONE_MS = 10_000;

export function createRoster(
  queue: string,
  terms: Readonly<Record<string, string | number>>,
  say: (text: string) => void,
  now: () => number = () => performance.now(),
): Roster {
  const known = new Set<string>();
  const strangers = new Set<string>();
  let aloneSince = now();
  let isAlone = false;
  let note = "";
  return {
    seen(all) {
      const ours = all.filter((worker) => worker.queue === queue);
      for (const { name, facts, rate } of ours) {
        if (known.has(name)) continue;
        known.add(name);
        const parts = Object.entries(facts).map(([fact, value]) => `${fact} ${value}`);
        say(printable(`${name} works: ${parts.join(", ")}, ${rate.toPrecision(2)} lines/s so far`, 500));
      }
      for (const name of known) {
        if (ours.some((worker) => worker.name === name)) continue;
        known.delete(name);
        say(`${printable(name)} is gone`);
      }
      note = `, ${ours.length} ${ours.length === 1 ? "worker" : "workers"}`;
      if (ours.length > 0) {
        aloneSince = now();
        isAlone = false;
      } else if (!isAlone && now() - aloneSince >= ALONE_MS) {
        isAlone = true;
        say("nobody works for this model: start `ll-batch work` with the same options of the model");
      }
      for (const worker of all) {
        const why = differenceOf(worker.terms, terms);
        if (worker.queue === queue || why === undefined || strangers.has(worker.name) || ours.length > 0) continue;
        strangers.add(worker.name);
        say(printable(`${worker.name} does not work for this run: ${why}`, 500));
      }
    },
    get note() {
      return note;
    },
  };
}

function differenceOf(theirs: SeenWorker["terms"], ours: SeenWorker["terms"]): string | undefined {
  const name = Object.keys(ours).find((key) => theirs[key] !== ours[key]);
  return name === undefined ? undefined : `${name} is ${theirs[name] ?? "not known"} there, and ${ours[name]} here`;
}
