import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openPieceFolder } from "../src/node.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const folder = (name: string): string => join(temporaryFolder(), name);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a piece is there once, and stays as it is", async () => {
  const pieces = await openPieceFolder(folder("pieces"));
  expect(await pieces.put("b-1", bytes("one"))).toBe(true);
  expect(await pieces.put("b-1", bytes("two"))).toBe(false);
  expect(await pieces.put("a", bytes(""))).toBe(true);
  expect(await pieces.names()).toEqual(["a", "b-1"]);
  expect(new TextDecoder().decode(await pieces.read("b-1"))).toBe("one");
  expect(readdirSync(pieces.path).sort()).toEqual([".lock", "a", "b-1"]);
  await pieces.close();
  const again = await openPieceFolder(pieces.path);
  expect(await again.names()).toEqual(["a", "b-1"]);
  await again.remove();
  expect(existsSync(pieces.path)).toBe(false);
});

test("what a killed run left half written goes, the rest stays", async () => {
  const pieces = await openPieceFolder(folder("left"));
  await pieces.put("1", bytes("whole"));
  await pieces.close();
  writeFileSync(join(pieces.path, "2.part"), "ha");
  writeFileSync(join(pieces.path, ".other"), "of somebody");
  const again = await openPieceFolder(pieces.path);
  expect(await again.names()).toEqual(["1"]);
  expect(readdirSync(pieces.path).sort()).toEqual([".lock", ".other", "1"]);
  expect(await again.put("2", bytes("whole"))).toBe(true);
  await again.close();
});

test("is for one at a time", async () => {
  const pieces = await openPieceFolder(folder("locked"));
  await expect(openPieceFolder(pieces.path)).rejects.toMatchObject({ code: "E_LOCKED", file: pieces.path });
  await pieces.close();
  await (await openPieceFolder(pieces.path)).close();
});

test("names are no paths, and a file is no folder", async () => {
  const pieces = await openPieceFolder(folder("names"));
  for (const name of ["../x", "a/b", "", ".lock", "x.part"]) {
    await expect(async () => pieces.put(name, bytes("x"))).rejects.toThrow(RangeError);
  }
  await pieces.close();
  const file = folder("file");
  writeFileSync(file, "mine");
  await expect(openPieceFolder(file)).rejects.toMatchObject({ code: "E_IO" });
  expect(readFileSync(file, "utf8")).toBe("mine");
});
