import { afterEach, test, vi } from "vitest";
import { checkEncoding, sampleOfF32 } from "./f16-oracle.ts";

afterEach(() => vi.unstubAllGlobals());

// 17 million values each; the stride is a prime, so that all low bits occur
test("a denser sample of binary32 agrees with the oracle", () => checkEncoding(sampleOfF32(251)));

test("the same without Float16Array", () => {
  vi.stubGlobal("Float16Array", undefined);
  checkEncoding(sampleOfF32(251));
});
