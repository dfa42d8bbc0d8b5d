import { fc, test as propertyTest } from "@fast-check/vitest";
import { expect } from "vitest";
import { createTrimmer } from "../../../src/commands/chat/answer-printer.ts";

propertyTest.prop([fc.array(fc.string({ unit: fc.constantFrom("a", " ", "\n", "b") }))])(
  "a trimmer leaves out white space at both ends, however the text is cut",
  (pieces) => {
    const trim = createTrimmer();
    expect(pieces.map(trim).join("")).toBe(pieces.join("").trim());
  },
);
