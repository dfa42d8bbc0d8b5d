import { runInNewContext } from "node:vm";
import { allocate, FormatError, IoError, WorkerError } from "@ll/bytes";
import { expect, test } from "vitest";
import { Refusal, ReportedError, UsageError } from "../src/errors.ts";
import { exitCodeOf } from "../src/exit-codes.ts";

const badMagic = new FormatError({ code: "E_MAGIC", message: "not a ggjt file" });
const refusedInput = new FormatError({ code: "E_INPUT", message: "already quantised" });
const badBlocks = new FormatError({ code: "E_BLOCK", message: "half a block" });
const noMemory = new IoError({ code: "E_NOMEM", message: "no memory for the logits" });
const noSpace = new IoError({ code: "E_NOSPACE", message: "disk full" });
const exists = new IoError({ code: "E_EXISTS", message: "exists" });
const sameFile = new IoError({ code: "E_SAME_FILE", message: "output is input" });
const system = Object.assign(new Error("ENOENT"), { code: "ENOENT", syscall: "open" });
const ofAnotherRealm = runInNewContext('Object.assign(new Error("ENOENT"), { code: "ENOENT", syscall: "open" })');

test.each<[string, unknown, number]>([
  ["a usage error", new UsageError("unknown option"), 2],
  ["a refusal", new Refusal("no"), 1],
  ["a bad file", badMagic, 3],
  ["an input that is refused", refusedInput, 1],
  ["an output that exists", exists, 1],
  ["an output that is the input", sameFile, 1],
  ["a full disk", noSpace, 4],
  ["an error of the system", system, 4],
  ["an error of the system from another realm", ofAnotherRealm, 4],
  ["a bug in another realm", runInNewContext("new TypeError('?')"), 5],
  ["no memory", noMemory, 4],
  ["no memory in a worker", new WorkerError("a worker failed", noMemory), 4],
  ["no memory for Node", Object.assign(new Error("?"), { code: "ERR_MEMORY_ALLOCATION_FAILED" }), 4],
  ["a wrong length, whatever it says", new RangeError("Array buffer allocation failed"), 5],
  ["a tensor that does not fill blocks", new FormatError({ code: "E_TENSOR_SIZE", message: "rows of 9" }), 1],
  ["a bad file by the name of a refusal", Object.assign(badBlocks, { name: "QuantizationError" }), 3],
  ["a worker that could not be started", new WorkerError("a worker failed", system), 4],
  ["a worker that died of a bug", new WorkerError("a worker failed", new TypeError("no function")), 5],
  ["a worker that died without a word", new WorkerError("a worker ended"), 5],
  ["an error in its program's own words", new ReportedError(badMagic), 3],
  ["a bug", new TypeError("undefined is not a function"), 5],
  ["a bug that throws no error", "text", 5],
])("%s", (_name, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

test("a real failed allocation counts as memory, not as a bug", () => {
  let thrown: unknown;
  try {
    allocate("the universe", () => new Uint8Array(2 ** 53));
  } catch (error) {
    thrown = error;
  }
  expect(String(thrown)).toContain("no memory for the universe");
  expect(exitCodeOf(thrown)).toBe(4);
});
