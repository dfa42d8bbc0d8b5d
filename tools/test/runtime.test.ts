import { expect, it } from "vitest";

it("runs on the pinned Node, not on the one that happens to be installed", () => {
  expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(26);
});
