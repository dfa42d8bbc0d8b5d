// Runs every recorded case of one model; the two test files differ only in where the model comes from.

import { describe, expect, it, vi } from "vitest";
import { ended, runHere, start, temporaryDirectory } from "../programs.ts";
import { describeOnTerminal, startOnTerminal } from "../pseudo-terminal.ts";
import { argumentsIn, type GoldenCase, hashesOfWritten, readGoldenCases } from "./golden-cases.ts";

/** How long a conversation may take before the test says what came instead. */
const CONVERSATION_MS = 240_000;

/** `counts` of all cases and of the conversations among them, so that a lost case is noticed. */
export function describeGoldenRuns(
  goldenPath: string,
  counts: readonly [number, number],
  modelPath: (type: string) => Promise<string>,
): void {
  const cases = readGoldenCases(goldenPath);
  const plain = cases.filter((golden) => golden.stdout !== undefined);
  const conversations = cases.filter((golden) => golden.stdoutUntilNextInput !== undefined);

  describe("text identical to build 803", () => {
    it.each(plain.map((golden) => [golden.name, golden] as const))("%s", async (_name, golden) => {
      const directory = await temporaryDirectory();
      const result = await runHere("ll-main", argumentsIn(directory, golden, await modelPath(golden.model)));
      expect(result.stdout).toBe(golden.stdout?.text);
      expect(result.code).toBe(golden.exit ?? 0);
      const recorded = Object.entries(golden.written ?? {}).map(([name, { sha256 }]) => [name, sha256]);
      expect(hashesOfWritten(directory, golden)).toEqual(Object.fromEntries(recorded));
    });
  });

  describe("conversations through a pipe, identical until the next input", () => {
    it.each(conversations.map((golden) => [golden.name, golden] as const))("%s", async (_name, golden) => {
      const directory = await temporaryDirectory();
      const expected = golden.stdoutUntilNextInput?.text ?? "";
      const args = argumentsIn(directory, golden, await modelPath(golden.model));
      expect(await converse(args, golden, Buffer.byteLength(expected))).toBe(expected);
    });
  });

  describeOnTerminal("conversations on a terminal, identical but for carriage returns", () => {
    it.each(conversations.map((golden) => [golden.name, golden] as const))("%s", async (_name, golden) => {
      const expected = golden.stdoutUntilNextInput?.text ?? "";
      const args = argumentsIn(await temporaryDirectory(), golden, await modelPath(golden.model));
      // the log goes elsewhere; the first character says that the terminal is raw and echoes nothing by itself
      const program = startOnTerminal(["ll-main", ...args], {}, "2>/dev/null");
      await program.sees(expected.slice(0, 1));
      program.type(golden.stdin ?? "");
      await vi.waitFor(
        () => expect(program.output.replaceAll("\r", "").slice(0, expected.length)).toBe(expected),
        CONVERSATION_MS,
      );
    });
  });

  it("runs every recorded case", () => {
    expect(plain.length + conversations.length).toBe(cases.length);
    expect([cases.length, conversations.length]).toEqual(counts);
  });
}

/** Types the recorded lines and returns the first `bytes` bytes of what is printed; standard input stays open. */
async function converse(args: readonly string[], golden: GoldenCase, bytes: number): Promise<string> {
  // a session of its own: without a controlling terminal, echo goes to standard output
  const child = start(["ll-main", ...args], { detached: true });
  const chunks: Buffer[] = [];
  let length = 0;
  const enough = new Promise<void>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length >= bytes) resolve();
    });
    child.on("close", () => resolve());
    setTimeout(resolve, CONVERSATION_MS).unref();
  });
  child.stdin?.write(golden.stdin ?? "");
  await enough;
  const over = ended(child);
  child.kill("SIGKILL");
  await over;
  return Buffer.concat(chunks).subarray(0, bytes).toString();
}
