// A model of 13 GB is opened by its header: in little memory, and long before anybody would wait for it.

import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { runProcess, temporaryDirectory } from "../programs.ts";
import { HUGE_KINDS, type HugeKind, writeHuge } from "./huge-models.ts";

const MIB = 1024 * 1024;

const READERS = {
  ggjt: ["@ll/ggml-format", "openGgml"],
  gguf: ["@ll/gguf", "openGguf"],
  safetensors: ["@ll/checkpoint", "openSafetensors"],
} as const;

interface Opened {
  readonly nTensors: number;
  /** Bytes by which the memory of the process grew. */
  readonly grown: number;
  /** Bytes that the reader counted. */
  readonly counted: number;
  /** Bytes that were read. */
  readonly bytesRead: number;
}

/** Opens the file in a process that has done nothing else; it is killed if it hangs. */
async function openAlone(kind: HugeKind, path: string): Promise<Opened> {
  const [module, open] = READERS[kind];
  const script = `
    import { headerBudget } from "@ll/bytes";
    import { openFileSource } from "@ll/bytes/node";
    import { ${open} } from "${module}";
    const source = await openFileSource(process.argv[1]);
    const budget = headerBudget(source.byteLength);
    let bytesRead = 0;
    const counting = { ...source, byteLength: source.byteLength, name: source.name, read(offset, target) {
      bytesRead += target.length;
      return source.read(offset, target);
    } };
    const before = process.memoryUsage().rss;
    const file = await ${open}(counting, { budget });
    const grown = process.memoryUsage().rss - before;
    console.log(JSON.stringify({ nTensors: [...file.names()].length, grown, counted: budget.peakBytes, bytesRead }));`;
  const argv = ["--conditions=@ll/source", "--input-type=module", "--eval", script, path];
  const cwd = join(import.meta.dirname, "../..");
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd, timeout: 240_000 });
  return JSON.parse(stdout) as Opened;
}

describe.each(HUGE_KINDS)("%s", (kind) => {
  test("13 GB open in 64 MiB, most of which are not needed", async () => {
    const path = await writeHuge(kind, await temporaryDirectory());
    expect((await stat(path)).size).toBeGreaterThan(13e9);
    expect((await stat(path)).blocks * 512).toBeLessThan(8 * MIB);
    const opened = await openAlone(kind, path);
    expect(opened.nTensors).toBe(291);
    // Nothing is given back in so short a time, so that all that was touched is in it: 2 to 6 MiB in every run, most of them
    // the young generation of the heap, whose size is limited. Ten times that is far from both it and the 13 GB.
    expect(opened.grown).toBeLessThanOrEqual(64 * MIB);
    // the header, and what of the data lies in the same chunks
    expect(opened.bytesRead).toBeLessThanOrEqual(4 * MIB);
    expect(opened.counted).toBeLessThanOrEqual(2 * opened.bytesRead + MIB);
  });
});

describe.each(["ggjt", "gguf"] as const)("ll-inspect of a %s file", (kind) => {
  test("of 13 GB names its tensors", async () => {
    const path = await writeHuge(kind, await temporaryDirectory());
    const { code, stdout, stderr } = await runProcess(["ll-inspect", path, "--json"]);
    expect(code, stderr).toBe(0);
    expect((JSON.parse(stdout) as { tensors: unknown[] }).tensors).toHaveLength(291);
  });
});
