import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { removeTemporaryFiles } from "../src/node.ts";
import { createOutFile } from "../src/out-file.ts";
import type { OutFileSystem } from "../src/out-file-options.ts";
import { assertSpace, assertWritable } from "../src/out-target.ts";
import { hookedFs, systemError } from "./faulty-fs.ts";
import { partFiles, temporaryFolder } from "./temporary-folder.ts";

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 253);
const target = (): string => join(temporaryFolder(), "out.bin");

async function writeAll(path: string, options: Parameters<typeof createOutFile>[1] = {}): Promise<void> {
  const out = await createOutFile(path, options);
  await out.write(bytes.subarray(0, 1234));
  await out.write(bytes.subarray(1234));
  await out.commit();
}

test("a place can be asked for before there is a file, and nothing comes up there", async () => {
  const path = target();
  await assertWritable(path, []);
  const missing = join(path, "..", "missing", "out.bin");
  await expect(assertWritable(missing, [])).rejects.toMatchObject({ code: "E_IO", file: missing });
  await expect(assertWritable(join(path, ".."), [])).rejects.toThrow("not a regular file");
  expect(readdirSync(join(path, ".."))).toEqual([]);
  writeFileSync(path, "input");
  await expect(assertWritable(path, [path])).rejects.toMatchObject({ code: "E_SAME_FILE" });
  await assertWritable(path, []);
});

describe("a new file", () => {
  test("appears on commit, whole, and not before", async () => {
    const path = target();
    const out = await createOutFile(path, { expectedBytes: 5000 });
    expect(out.path).toBe(path);
    await out.write(bytes);
    expect(out.bytesWritten).toBe(5000);
    expect(existsSync(path)).toBe(false);
    expect(statSync(join(path, "..", partFiles(join(path, ".."))[0]!)).mode & 0o777).toBe(0o600);
    await out.commit();
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    expect(readdirSync(join(path, ".."))).toEqual(["out.bin"]);
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  test("does not appear on abort", async () => {
    const path = target();
    const out = await createOutFile(path);
    await out.write(bytes);
    await out.abort();
    await out.abort();
    expect(readdirSync(join(path, ".."))).toEqual([]);
    await expect(out.write(bytes)).rejects.toThrow("already committed or aborted");
    await expect(out.commit()).rejects.toThrow("already committed or aborted");
  });

  test("abort after commit is harmless", async () => {
    const path = target();
    const calls: string[] = [];
    const fs = hookedFs((_call, name) => calls.push(name));
    const out = await createOutFile(path, { fs });
    await out.commit();
    await out.abort();
    expect(calls).not.toContain("unlink");
    expect(readFileSync(path).length).toBe(0);
    await expect(out.write(bytes)).rejects.toThrow("already committed or aborted");
  });

  test("may have the longest name that the file system takes", async () => {
    for (const name of ["n".repeat(255), "é".repeat(127), "👍".repeat(63)]) {
      const path = join(temporaryFolder(), name);
      await writeAll(path);
      expect(readdirSync(join(path, ".."))).toEqual([name]);
    }
  });

  test("may be named without a folder", async () => {
    const folder = temporaryFolder();
    const before = process.cwd();
    const path = join(relative(before, folder), "out.bin");
    await writeAll(path);
    expect(readdirSync(folder)).toEqual(["out.bin"]);
  });
});

describe("an existing file", () => {
  test("is replaced on commit, and keeps its permissions", async () => {
    const path = target();
    writeFileSync(path, "old");
    chmodSync(path, 0o640);
    const out = await createOutFile(path);
    await out.write(bytes);
    expect(readFileSync(path, "utf8")).toBe("old");
    await out.commit();
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
  });

  test("is refused by noClobber, also when it comes up later", async () => {
    const path = target();
    const out = await createOutFile(path, { noClobber: true });
    writeFileSync(path, "old");
    await expect(out.commit()).rejects.toMatchObject({ code: "E_EXISTS" });
    await expect(createOutFile(path, { noClobber: true })).rejects.toMatchObject({ code: "E_EXISTS", file: path });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(partFiles(join(path, ".."))).toEqual([]);
  });

  test("behind a symbolic link is replaced; the link stays", async () => {
    const path = target();
    writeFileSync(path, "old");
    const link = join(path, "..", "link.bin");
    symlinkSync("out.bin", link);
    await writeAll(link);
    expect(readlinkSync(link)).toBe("out.bin");
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });
});

describe("what cannot be written", () => {
  test.each<[string, (path: string) => void, string]>([
    ["a folder", (path) => mkdirSync(path), "not a regular file"],
    ["a FIFO", (path) => execFileSync("mkfifo", [path]), "not a regular file"],
    ["a device", (path) => symlinkSync("/dev/null", path), "not a regular file"],
    ["a link to nothing", (path) => symlinkSync("missing", path), "a symbolic link to a missing file"],
    ["a link to itself", (path) => symlinkSync("out.bin", path), "Too many levels of symbolic links"],
  ])("%s", async (_name, make, reason) => {
    const path = target();
    make(path);
    await expect(createOutFile(path)).rejects.toMatchObject({ code: "E_IO", message: expect.stringContaining(reason) });
    expect(readdirSync(join(path, ".."))).toEqual(["out.bin"]);
  });

  test("a file in a missing folder", async () => {
    const path = join(temporaryFolder(), "missing", "out.bin");
    await expect(createOutFile(path)).rejects.toMatchObject({
      code: "E_IO",
      message: `cannot write ${path}: No such file or directory`,
    });
  });

  test.each<[string, (input: string) => string]>([
    ["the same path", (input) => input],
    ["the same path, written otherwise", (input) => join(input, "..").concat("/./out.bin")],
    [
      "a hard link",
      (input) => {
        linkSync(input, `${input}.hard`);
        return `${input}.hard`;
      },
    ],
    [
      "a symbolic link",
      (input) => {
        symlinkSync(input, `${input}.soft`);
        return `${input}.soft`;
      },
    ],
  ])("an input: %s", async (_name, linkTo) => {
    const input = target();
    writeFileSync(input, "input");
    const path = linkTo(input);
    const options = { inputs: [join(input, "..", "missing"), input] };
    await expect(createOutFile(path, options)).rejects.toMatchObject({ code: "E_SAME_FILE" });
    // and the other way round
    await expect(createOutFile(input, { inputs: [path] })).rejects.toMatchObject({ code: "E_SAME_FILE" });
    expect(readFileSync(input, "utf8")).toBe("input");
    expect(partFiles(join(input, ".."))).toEqual([]);
  });

  test("but a file of another device with the same number is no input", async () => {
    const path = target();
    writeFileSync(path, "old");
    const stat = async (name: string) => ({ isFile: () => true, ino: 5n, dev: name === path ? 1n : 2n, mode: 0o644n });
    const fs = { ...hookedFs(() => undefined), stat: stat as unknown as OutFileSystem["stat"] };
    await writeAll(path, { fs, inputs: ["elsewhere"] });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });

  test("more than there is space for", async () => {
    const path = target();
    const error = await createOutFile(path, { expectedBytes: 2 ** 52 }).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: "E_NOSPACE", file: path });
    expect((error as Error).message).toMatch(/: 4503599627370496 bytes needed, \d+ free$/);
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  test.each([4999, 5001])("other than the expected number of bytes: %i of 5000", async (expectedBytes) => {
    const path = target();
    writeFileSync(path, "old");
    await expect(writeAll(path, { expectedBytes })).rejects.toMatchObject({
      code: "E_IO",
      message: expect.stringContaining(`(after 5000 of ${expectedBytes} bytes)`),
    });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(partFiles(join(path, ".."))).toEqual([]);
  });

  test("more than the file size limit of the shell allows", () => {
    const path = target();
    writeFileSync(path, "old");
    const script = `
      import { createOutFile } from "@ll/bytes/node";
      const out = await createOutFile(process.argv[1], { expectedBytes: 400_000 });
      try {
        for (let i = 0; i < 2; i++) await out.write(new Uint8Array(200_000));
        await out.commit();
      } catch (error) {
        console.log(error.code, error.message);
      }`;
    // 100 blocks: 51,200 or 102,400 bytes, by the shell; the first write is short, the next fails
    const { stdout } = spawnSync(
      "sh",
      [
        "-c",
        'ulimit -f 100; exec "$@"',
        "sh",
        process.execPath,
        "--conditions=@ll/source",
        "--input-type=module",
        "--eval",
        script,
        path,
      ],
      { cwd: join(import.meta.dirname, ".."), encoding: "utf8" },
    );
    expect(stdout).toMatch(
      /^E_NOSPACE cannot write .*out\.bin: File too large \(after (51200|102400) of 400000 bytes\)\n$/,
    );
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(partFiles(join(path, ".."))).toEqual([]);
  });
});

describe("writing", () => {
  test("goes on after short writes", async () => {
    const path = target();
    await writeAll(path, { fs: hookedFs(() => undefined, { writeAtMost: 999 }), expectedBytes: 5000 });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });

  test("fails if nothing is written", async () => {
    const path = target();
    await expect(writeAll(path, { fs: hookedFs(() => undefined, { writeAtMost: 0 }) })).rejects.toMatchObject({
      code: "E_IO",
    });
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  test("is compared with what can be read back, if asked", async () => {
    const flip = (part: Uint8Array): Uint8Array => part.map((byte, i) => (i === 100 ? byte ^ 1 : byte));
    const path = target();
    writeFileSync(path, "old");
    await expect(
      writeAll(path, { verify: true, fs: hookedFs(() => undefined, { onWrite: flip }) }),
    ).rejects.toMatchObject({ code: "E_IO", message: expect.stringContaining("read back") });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(partFiles(join(path, ".."))).toEqual([]);
    await writeAll(path, { verify: true });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });
});

/** What temporary files of this process have between its id and the random part of their names. */
async function processSpace(path: string): Promise<string> {
  const out = await createOutFile(path);
  const [name = ""] = partFiles(join(path, ".."));
  await out.abort();
  return name.split(".").at(-3) as string;
}

test("a private file is its owner's alone, also in place of one that all could read", async () => {
  const path = target();
  for (const mode of [undefined, 0o644]) {
    if (mode !== undefined) chmodSync(path, mode);
    await writeAll(path, { isPrivate: true });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
});

describe("temporary files", () => {
  test("of dead processes are removed, those of living ones and of other targets stay", async () => {
    const path = target();
    const folder = join(path, "..");
    const dead = spawnSync("true").pid;
    const space = await processSpace(path);
    const stay = [
      `.out.bin.${process.ppid}.${space}.0123abcd.part`, // a living process
      `.other.bin.${dead}.${space}.0123abcd.part`,
      `.out.bin.${dead}.${space}.0123abcd.part.bak`,
      `.out.bin.${dead}.${space}.xyz.part`,
      `out.bin.${dead}.${space}.0123abcd.part`,
    ];
    const stale = [`.out.bin.${dead}.${space}.0123abcd.part`, `.out.bin.${dead}.${space}.ffffffff.part`];
    for (const name of [...stay, ...stale]) writeFileSync(join(folder, name), "part");
    const out = await createOutFile(path);
    await out.commit();
    expect([...out.removedStale].sort()).toEqual(stale.map((name) => join(folder, name)));
    expect(readdirSync(folder).sort()).toEqual([...stay, "out.bin"].sort());
  });

  test("of other containers and machines are removed after a day without a sign of life, whatever their process ids", async () => {
    const path = target();
    const folder = join(path, "..");
    const dead = spawnSync("true").pid;
    const names = [dead, process.pid].flatMap((pid) => [
      `.out.bin.${pid}.0123456789ab.0123abcd.part`,
      `.out.bin.${pid}.0123abcd.part`, // of a version that did not say where it ran
    ]);
    for (const name of names) writeFileSync(join(folder, name), "part");
    const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);
    for (const name of names) utimesSync(join(folder, name), hoursAgo(23), hoursAgo(23));
    const early = await createOutFile(path);
    await early.abort();
    expect(early.removedStale).toEqual([]);
    for (const name of names) utimesSync(join(folder, name), hoursAgo(25), hoursAgo(25));
    const late = await createOutFile(path);
    await late.abort();
    expect([...late.removedStale].sort()).toEqual(names.map((name) => join(folder, name)).sort());
    expect(readdirSync(folder)).toEqual([]);
  });

  test("give a sign of life each minute, also while nothing is written", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const path = target();
    const out = await createOutFile(path);
    const temporary = join(path, "..", partFiles(join(path, ".."))[0]!);
    utimesSync(temporary, 1, 1);
    vi.advanceTimersByTime(60_000);
    await expect.poll(() => statSync(temporary).mtimeMs, { timeout: 240_000 }).toBeGreaterThan(1000);
    await out.abort();
    expect(vi.getTimerCount()).toBe(0);
  });

  const canUnshare = spawnSync("unshare", ["--map-root-user", "--pid", "--fork", "true"]).status === 0;
  test.skipIf(!canUnshare)("of a process in another PID namespace stay while it lives", async () => {
    const path = target();
    writeFileSync(`${path}.input`, "input");
    const args = ["--map-root-user", "--pid", "--fork", "--kill-child", process.execPath, "--conditions=@ll/source"];
    const child = spawn("unshare", [...args, join(import.meta.dirname, "out-file-child.ts"), path, "40000"]);
    await once(child.stdout, "data"); // it writes
    const out = await createOutFile(path);
    expect(out.removedStale).toEqual([]);
    await out.abort();
    expect(partFiles(join(path, ".."))).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "close");
  });

  test("of this process can be removed at once, for a signal handler", async () => {
    const [one, two] = [target(), target()];
    const outs = [await createOutFile(one), await createOutFile(two)];
    for (const out of outs) await out.write(bytes);
    removeTemporaryFiles();
    expect([...partFiles(join(one, "..")), ...partFiles(join(two, ".."))]).toEqual([]);
    await expect(outs[0]!.commit()).rejects.toMatchObject({ code: "E_IO" });
    await outs[1]!.abort();
    expect(existsSync(one)).toBe(false);
  });

  test("may vanish without harm to the target", async () => {
    const path = target();
    writeFileSync(path, "old");
    const out = await createOutFile(path);
    await out.write(bytes);
    unlinkSync(join(path, "..", partFiles(join(path, ".."))[0]!));
    await expect(out.commit()).rejects.toMatchObject({ code: "E_IO" });
    expect(readFileSync(path, "utf8")).toBe("old");
  });
});

describe("file systems that cannot do everything", () => {
  const syncOfFolder = (code: string) => {
    let opened = 0;
    return hookedFs((_call, name) => {
      if (name === "open" && ++opened === 2) throw systemError(code);
    });
  };

  test.each(["EINVAL", "EPERM", "EACCES", "EISDIR", "ENOTSUP"])(
    "a folder that cannot be synced (%s) is no failure",
    async (code) => {
      const path = target();
      await writeAll(path, { fs: syncOfFolder(code) });
      expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    },
  );

  test("a folder whose sync fails is one, though the file is there", async () => {
    const path = target();
    await expect(writeAll(path, { fs: syncOfFolder("EIO") })).rejects.toMatchObject({ code: "E_IO" });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    expect(partFiles(join(path, ".."))).toEqual([]);
  });

  test("an input that cannot be looked at stops the work: it might be the target", async () => {
    const path = target();
    writeFileSync(path, "old");
    const fs = hookedFs((_call, name) => {
      if (name === "stat") throw systemError("EACCES");
    });
    await expect(createOutFile(path, { fs, inputs: ["x"] })).rejects.toMatchObject({ code: "E_IO" });
  });

  test("a folder that was moved away meanwhile is a failure", async () => {
    const path = join(temporaryFolder(), "sub", "out.bin");
    mkdirSync(join(path, ".."));
    const out = await createOutFile(path);
    await out.write(bytes);
    renameSync(join(path, ".."), join(path, "..", "..", "moved"));
    await expect(out.commit()).rejects.toMatchObject({ code: "E_IO" });
  });
});

test("one part in a hundred of the space stays free", async () => {
  const free = (bytes: number) => ({ statfs: async () => ({ bavail: bytes, bsize: 1 }) }) as never;
  await assertSpace(free(1010), "out.bin", ".", 1000);
  await expect(assertSpace(free(1009), "out.bin", ".", 1000)).rejects.toMatchObject({ code: "E_NOSPACE" });
});
