import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseSums } from "../../src/commands/verify/sums-file.ts";
import { runHere, runProcess, temporaryDirectory } from "../programs.ts";

const UNKNOWN = "f".repeat(64);

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A folder with `models/7B/good.bin` (text `good`), `bad.bin`, a folder and these lines as SHA256SUMS. */
async function folder(lines: readonly string[]): Promise<string> {
  const root = await temporaryDirectory();
  await mkdir(join(root, "models/7B/folder"), { recursive: true });
  await writeFile(join(root, "models/7B/good.bin"), "good");
  await writeFile(join(root, "models/7B/bad.bin"), "bad");
  await writeFile(join(root, "SHA256SUMS"), `${lines.join("\n")}\n`);
  return root;
}

const GOOD = `${sumOf("good")}  models/7B/good.bin`;
const BAD = `${UNKNOWN}  models/7B/bad.bin`;
const MISSING = `${UNKNOWN}  models/7B/missing.bin`;

describe("output", () => {
  test("that of verify-checksum-models.py; exit code 1, since not all are valid", async () => {
    const root = await folder([GOOD, BAD, MISSING]);
    const { code, stdout, stderr } = await runHere("ll-verify", [join(root, "SHA256SUMS")]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout.replaceAll(root, "ROOT").replaceAll(" ", "·")).toMatchInlineSnapshot(`
      "Verifying·the·checksum·of·ROOT/models/7B/good.bin
      Verifying·the·checksum·of·ROOT/models/7B/bad.bin
      Verifying·the·checksum·of·ROOT/models/7B/missing.bin

      filename···································valid·checksum·······file·missing····
      --------------------------------------------------------------------------------
      models/7B/good.bin································V·······························
      models/7B/bad.bin·······························WRONG·····························
      models/7B/missing.bin··················································X··········
      "
    `);
  });

  test("exit code 0 if all are valid, and with --compat always", async () => {
    const good = await folder([GOOD, GOOD]);
    expect((await runHere("ll-verify", [join(good, "SHA256SUMS")])).code).toBe(0);
    const bad = await folder([BAD]);
    const compat = await runHere("ll-verify", ["--compat", join(bad, "SHA256SUMS")]);
    expect(compat.code).toBe(0);
    // as the script, which left the cell of a wrong sum empty
    const { stdout } = await runHere("ll-verify", [join(bad, "SHA256SUMS")]);
    expect(stdout).toContain("WRONG");
    expect(compat.stdout).toBe(stdout.replace("WRONG", "     "));
  });

  test("without an argument the list of the working directory is read", async () => {
    const root = await folder([GOOD]);
    expect(await runProcess(["ll-verify"], { cwd: root })).toMatchObject({ code: 0, stderr: "" });
  });

  test("--json", async () => {
    const root = await folder([GOOD, BAD, MISSING]);
    const { code, stdout } = await runHere("ll-verify", ["--json", join(root, "SHA256SUMS")]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      root,
      ok: false,
      files: [
        { path: "models/7B/good.bin", status: "valid", expected: sumOf("good"), sha256: sumOf("good") },
        { path: "models/7B/bad.bin", status: "mismatch", expected: UNKNOWN, sha256: sumOf("bad") },
        { path: "models/7B/missing.bin", status: "missing", expected: UNKNOWN, sha256: null },
      ],
    });
  });

  test("names are shown inert", async () => {
    const root = await folder([`${UNKNOWN}  a\x1b]0;title\x07b`]);
    const { stdout } = await runHere("ll-verify", [join(root, "SHA256SUMS")]);
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toContain("a\\x1b]0;title\\x07b");
  });
});

describe("lists of other programs", () => {
  const PATH = "models/7B/good.bin";
  const SUM = sumOf("good");
  const MD5 = createHash("md5").update("good").digest("hex");
  const verify = async (text: string) => {
    const root = await folder([]);
    await writeFile(join(root, "SHA256SUMS"), text);
    const { code, stdout } = await runHere("ll-verify", ["--json", join(root, "SHA256SUMS")]);
    return { code, files: (code ?? 9) > 1 ? [] : JSON.parse(stdout).files };
  };

  test.each([
    ["digits in upper case (Get-FileHash, certutil)", `${SUM.toUpperCase()}  ${PATH}`],
    ["a star for binary mode (sha256sum -b)", `${SUM} *${PATH}`],
    ["BSD's lines (sha256sum --tag)", `SHA256 (${PATH}) = ${SUM}`],
    ["BSD's lines without spaces, as OpenSSL writes them", `SHA256(${PATH})= ${SUM}`],
    ["a byte order mark", `\ufeff${SUM}  ${PATH}`],
    ["lines that end as on Windows, and empty ones", `\r\n${SUM}  ${PATH}\r\n\r\n`],
    ["MD5, as in Meta's checklist.chk", `${MD5}  ${PATH}`],
    ["MD5 in BSD's lines", `MD5 (${PATH}) = ${MD5.toUpperCase()}`],
  ])("%s", async (_, text) => {
    expect(await verify(`${text}\n`)).toMatchObject({ code: 0, files: [{ path: PATH, status: "valid" }] });
    expect(await verify(text.replace(PATH, "models/7B/bad.bin"))).toMatchObject({
      code: 1,
      files: [{ status: "mismatch" }],
    });
  });

  test("MD5 is told as MD5", async () => {
    expect((await verify(`${MD5}  ${PATH}`)).files).toEqual([{ path: PATH, status: "valid", expected: MD5, md5: MD5 }]);
  });

  test("an escaped name", () => {
    expect(parseSums(`\\${SUM}  a\\nb\\\\c`, "list")[0]?.path).toBe("a\nb\\c");
  });

  test.each([
    ["no entry", ""],
    ["empty lines only", "\n\r\n \n"],
    ["a byte order mark only", "\ufeff"],
    ["SHA-1", `${"a".repeat(40)}  ${PATH}`],
    ["SHA-512", `SHA512 (${PATH}) = ${"a".repeat(128)}`],
    ["another algorithm of as many digits", `SHA3-256 (${PATH}) = ${SUM}`],
    ["a digit too few", `${SUM.slice(1)}  ${PATH}`],
    ["no digits", `${"g".repeat(64)}  ${PATH}`],
  ])("%s is an error", async (_, text) => {
    expect((await verify(text)).code).toBe(3);
  });
});

test("what is no regular file is neither valid nor missing", async () => {
  const root = await folder([GOOD, `${UNKNOWN}  models/7B/folder`]);
  const { code, stdout, stderr } = await runHere("ll-verify", ["--json", join(root, "SHA256SUMS")]);
  expect(code).toBe(1);
  const statuses = JSON.parse(stdout).files.map(({ status }: { status: string }) => status);
  expect(statuses).toEqual(["valid", "unreadable"]);
  expect(stderr).toMatch(/folder: Is a directory\n$/);
});

describe("a hostile list is refused before any file is touched", () => {
  test.each([
    ["an absolute path", `${UNKNOWN}  /etc/passwd`],
    ["a path upwards", `${UNKNOWN}  ../secret`],
    ["a path upwards, further in", `${UNKNOWN}  models/../../secret`],
    ["a path upwards, with backslashes", `${UNKNOWN}  models\\..\\..\\secret`],
    ["a path on a drive", `${UNKNOWN}  C:\\secret`],
    ["a network path", `${UNKNOWN}  \\\\host\\secret`],
    ["a NUL byte", `${UNKNOWN}  a\0b`],
    ["no path", `${UNKNOWN}  `],
    ["one space", `${UNKNOWN} models/7B/good.bin`],
  ])("%s", async (_name, line) => {
    const root = await folder([GOOD, line, GOOD]);
    const { code, stdout, stderr } = await runHere("ll-verify", [join(root, "SHA256SUMS")]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("(field line 2)");
  });

  test("bytes that are no UTF-8, and a list of more than a MiB", async () => {
    const root = await folder([]);
    await writeFile(join(root, "SHA256SUMS"), Uint8Array.of(0xff));
    expect((await runHere("ll-verify", [join(root, "SHA256SUMS")])).stderr).toContain("not UTF-8");
    await writeFile(join(root, "SHA256SUMS"), "x".repeat(1024 * 1024 + 1));
    expect(await runHere("ll-verify", [join(root, "SHA256SUMS")])).toMatchObject({ code: 3, stdout: "" });
  });

  propertyTest.prop([fc.array(fc.constantFrom("..", ".", "a", "", "b c"), { minLength: 1 })])(
    "no accepted path leaves the folder",
    (parts) => {
      const path = parts.join("/");
      let accepted: string | undefined;
      try {
        accepted = parseSums(`${UNKNOWN}  ${path}`, "list")[0]?.path;
      } catch {
        return;
      }
      expect(join("/root/folder", accepted ?? "")).toMatch(/^\/root\/folder(\/|$)/);
    },
  );
});

test("no list: the script's words, exit code 1", async () => {
  const root = await temporaryDirectory();
  const { code, stderr } = await runHere("ll-verify", [join(root, "SHA256SUMS")]);
  expect(code).toBe(1);
  expect(stderr).toBe(`ll-verify: Hash list file not found: ${root}/SHA256SUMS\n`);
  expect((await runHere("ll-verify", ["a", "b"])).code).toBe(2);
});
