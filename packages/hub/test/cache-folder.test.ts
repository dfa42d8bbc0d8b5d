import { join } from "node:path";
import { expect, test } from "vitest";
import { cacheFolder } from "../src/settings.ts";

test("the folder: LL_CACHE, then XDG's, then the platform's own", () => {
  const home = { HOME: "/h", LOCALAPPDATA: "L" };
  expect(cacheFolder({ ...home, LL_CACHE: "/c", XDG_CACHE_HOME: "/x" }, "linux")).toBe("/c");
  expect(cacheFolder({ ...home, XDG_CACHE_HOME: "/x" }, "linux")).toBe("/x/ll");
  expect(cacheFolder(home, "linux")).toBe("/h/.cache/ll");
  expect(cacheFolder(home, "darwin")).toBe("/h/Library/Caches/ll");
  expect(cacheFolder(home, "win32")).toBe(join("L", "ll", "Cache"));
  expect(cacheFolder({}, "linux")).toBeUndefined();
  expect(cacheFolder({}, "win32")).toBeUndefined();
});
