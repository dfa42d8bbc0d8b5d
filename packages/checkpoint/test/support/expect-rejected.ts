// What every refusal of a bad file must look like.

import { expect } from "vitest";
import { CheckpointError } from "../../src/errors.ts";

/** Asserts that `work` fails with a complete error of one of `codes`, and that nothing was polluted on the way. */
export async function expectRejected(work: () => unknown, ...codes: readonly string[]): Promise<CheckpointError> {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, `expected ${codes.join(" or ")}, but it was accepted`).toBeDefined();
  if (!(error instanceof CheckpointError)) throw error;
  expect(codes, error.message).toContain(error.code);
  for (const field of ["file", "offset", "field", "expected", "got"] as const) {
    expect(error[field], `${error.code} without ${field}: ${error.message}`).toBeDefined();
  }
  expect(error.message.length).toBeLessThanOrEqual(512);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
  return error;
}
