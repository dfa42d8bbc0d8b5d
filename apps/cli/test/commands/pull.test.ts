import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { openGguf } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { COMMIT, fail, sha256, startHub, type TestHub } from "../../../../packages/hub/test/support/hub-server.ts";
import { describeWithTestData } from "../../../../tools/test-data.ts";
import { tinyFile } from "../checklist/table.ts";
import { llamaPairs, writeGguf } from "../gguf-model.ts";
import { ended, runHere, start, temporaryDirectory } from "../programs.ts";
import { modelWithVocabulary } from "../real-vocabulary.ts";

interface Rig {
  readonly hub: TestHub;
  readonly env: Record<string, string>;
  readonly cache: string;
}

/** A hub with the tiny model under two names, and an empty cache folder. */
async function rig(): Promise<Rig> {
  const bytes = new Uint8Array(await readFile(await tinyFile("f16")));
  const files = { "tiny-F16.gguf": bytes, "tiny-Q8_0.gguf": bytes.slice(0, 1000), "README.md": new Uint8Array(3) };
  const hub = await startHub({ "ll/tiny": { commit: COMMIT, files } });
  const cache = await temporaryDirectory();
  return { hub, cache, env: { LL_CACHE: cache, HF_ENDPOINT: hub.endpoint, HF_TOKEN: "hf_secret" } };
}

describe("ll-pull", () => {
  test("prints the path of what it downloaded, and says what it chose", async () => {
    const { hub, env, cache } = await rig();
    const { code, stdout, stderr } = await runHere("ll-pull", ["hf:ll/tiny:F16"], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^.*\/tiny-F16\.gguf\n$/);
    expect(stdout.startsWith(join(cache, "models", "ll", "tiny"))).toBe(true);
    expect(stderr).toContain(`hf:ll/tiny:F16: tiny-F16.gguf, `);
    expect(stderr).toContain(COMMIT.slice(0, 12));
    const bytes = new Uint8Array(await readFile(stdout.trim()));
    expect(sha256(bytes)).toBe(sha256(hub.repos["ll/tiny"]?.files["tiny-F16.gguf"] as Uint8Array));
    expect(await runHere("ll-pull", ["-q", "hf:ll/tiny:F16"], env)).toMatchObject({ stdout, stderr: "" });
  });

  test("lists, offline, and removes", async () => {
    const { env } = await rig();
    const { stdout: path } = await runHere("ll-pull", ["-q", "hf:ll/tiny:F16"], env);
    await runHere("ll-pull", ["-q", "hf:ll/tiny"], env);
    const { stdout, stderr } = await runHere("ll-pull", ["--list"], env);
    expect(stdout.split("\n").length).toBe(3);
    expect(stdout).toContain("ll/tiny");
    expect(stderr).toMatch(/^2 models, /);
    const report = JSON.parse((await runHere("ll-pull", ["--list", "--json"], env)).stdout);
    expect(report).toMatchObject({ version: 1, models: [{ repo: "ll/tiny" }, { repo: "ll/tiny" }] });

    const offline = { ...env, HF_ENDPOINT: "http://127.0.0.1:1", HF_HUB_OFFLINE: "1" };
    expect(await runHere("ll-pull", ["-q", "hf:ll/tiny:F16"], offline)).toMatchObject({ code: 0, stdout: path });
    expect(await runHere("ll-pull", ["hf:ll/other"], offline)).toMatchObject({ code: 4, stdout: "" });

    expect(await runHere("ll-pull", ["--remove", "hf:ll/tiny:F16"], env)).toMatchObject({ code: 0, stdout: "" });
    expect((await runHere("ll-pull", ["--list"], env)).stderr).toMatch(/^1 models, /);
    expect(await runHere("ll-pull", ["--remove", "ll/none"], env)).toMatchObject({ code: 1 });
  });

  test.each([
    ["ll-pull"],
    ["ll-pull", "--remove"],
    ["ll-inspect"],
    ["ll-tokenize"],
    ["ll-main", "-m"],
    ["ll-perplexity", "-f", "/dev/null", "-m"],
  ])("%s %s: neither the password nor the query of an address is shown", async (program, ...argv) => {
    const { env } = await rig();
    // no server listens at this port
    const address = "http://somebody:pass-word@127.0.0.1:1/model.gguf?signature=signed";
    const { code, stdout, stderr } = await runHere(program as string, [...argv, address], env);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("127.0.0.1");
    expect(stdout + stderr).not.toMatch(/pass-word|signed/);
  });

  test("errors have their exit codes, name what to do, and keep secrets", async () => {
    const { hub, env } = await rig();
    const run = async (...argv: string[]) => {
      const { code, stdout, stderr } = await runHere("ll-pull", argv, env);
      expect(stdout).toBe("");
      expect(stderr).not.toContain("hf_secret");
      return [code, stderr] as const;
    };
    expect(await run("hf:ll/tiny:Q3_K")).toEqual([1, expect.stringContaining("tiny-F16.gguf")]);
    expect(await run("hf:ll/none")).toEqual([1, expect.stringContaining("HF_TOKEN")]);
    expect(await run("model.bin")).toEqual([1, expect.stringContaining("is a path")]);
    expect((await run("hf:ll"))[0]).toBe(1);
    expect((await run())[0]).toBe(2);
    expect((await run("--list", "x"))[0]).toBe(2);
    hub.onContents = (request, response) => {
      const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
      const total = hub.repos["ll/tiny"]?.files["tiny-F16.gguf"]?.byteLength;
      response.writeHead(206, { "content-range": `bytes ${first}-${last}/${total}` });
      response.end(new Uint8Array(Number(last) - Number(first) + 1));
      return true;
    };
    expect(await run("hf:ll/tiny:F16")).toEqual([3, expect.stringContaining("sha256")]);
    hub.onHub = (_, response) => fail(response, 403, "GatedRepo");
    expect(await run("hf:ll/tiny")).toEqual([1, expect.stringContaining("gated")]);
  });
});

describe("programs that take a model take its name", () => {
  test("ll-main and ll-tokenize download it once", async () => {
    const { hub, env } = await rig();
    const argv = ["-m", "hf:ll/tiny:F16", "-p", "Once", "-n", "3", "-t", "1", "--temp", "0", "-c", "32"];
    const { code, stdout, stderr } = await runHere("ll-main", argv, env);
    expect([code, stderr]).toEqual([0, expect.stringContaining("tiny-F16.gguf")]);
    expect(stdout).toMatch(/^ Once/);
    expect((await runHere("ll-tokenize", ["hf:ll/tiny:F16", "a"], env)).code).toBe(0);
    expect(hub.seen.filter(({ origin }) => origin === "contents").length).toBe(1);
  });

  test("ll-quantize does, and writes beside the shell, not into the cache folder", async () => {
    const { hub, env, cache } = await rig();
    const cwd = await temporaryDirectory();
    const made = await ended(start(["ll-quantize", "hf:ll/tiny:F16", "q8_0", "1"], { env, cwd }));
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining("to 'ggml-model-Q8_0.bin' as Q8_0")]);
    expect(await readdir(cwd)).toEqual(["ggml-model-Q8_0.bin"]);
    const named = await runHere("ll-quantize", ["hf:ll/tiny:F16", join(cwd, "out.bin"), "q8_0", "1"], env);
    expect(named.code).toBe(0);
    expect(await readFile(join(cwd, "out.bin"))).toEqual(await readFile(join(cwd, "ggml-model-Q8_0.bin")));
    expect(hub.seen.filter(({ origin }) => origin === "contents").length).toBe(1);
    expect((await readdir(cache, { recursive: true })).filter((path) => path.includes("Q8_0"))).toEqual([]);
  });

  test("ll-perplexity does", async () => {
    const { env } = await rig();
    const text = join(await temporaryDirectory(), "text.txt");
    await writeFile(text, "Once upon a time. ".repeat(40));
    const { code, stdout, stderr } = await runHere(
      "ll-perplexity",
      ["hf:ll/tiny:F16", text, "-c", "32", "-t", "1"],
      env,
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining("tiny-F16.gguf")]);
    expect(stdout).toMatch(/\[1\]\d/);
  });

  test("ll-inspect reads headers only", async () => {
    const { hub, env, cache } = await rig();
    const { code, stdout } = await runHere("ll-inspect", ["hf:ll/tiny:F16", "--json"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 2 });
    const tokens = hub.seen.map(({ origin, token }) => `${origin} ${token}`);
    expect(new Set(tokens)).toEqual(new Set(["hub Bearer hf_secret", "contents undefined"]));
    expect((await runHere("ll-pull", ["--list", "--json"], { LL_CACHE: cache })).stdout).toContain('"models": []');
  });

  test("ll-inspect of all files of a set; of one that was downloaded, where nobody may be asked", async () => {
    const { hub, env } = await rig();
    const folder = await temporaryDirectory();
    const names = [1, 2].map((n) => `set-0000${n}-of-00002.gguf`);
    await writeGguf(join(folder, names[0] as string), [{ name: "a", shape: [4, 8] }], llamaPairs(1), [0, 2, 2]);
    await writeGguf(join(folder, names[1] as string), [{ name: "b", shape: [4, 4] }], {}, [1, 2, 2]);
    const files = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const));
    hub.repos = { "ll/set": { commit: COMMIT, files: Object.fromEntries(files) } };
    const tensorsOf = async (more: Record<string, string> = {}): Promise<unknown> => {
      const { code, stdout } = await runHere("ll-inspect", ["hf:ll/set", "--json"], { ...env, ...more });
      return code === 0 ? JSON.parse(stdout).tensors.map(({ name }: { name: string }) => name) : code;
    };
    expect(await tensorsOf()).toEqual(["a", "b"]);
    expect(await tensorsOf({ HF_HUB_OFFLINE: "1" })).toBe(4);
    expect((await runHere("ll-pull", ["-q", "hf:ll/set"], env)).code).toBe(0);
    hub.seen.length = 0;
    expect(await tensorsOf({ HF_HUB_OFFLINE: "1" })).toEqual(["a", "b"]);
    expect(hub.seen).toEqual([]);
  });

  test("a pull that is killed leaves no lock, and goes on", async () => {
    const { hub, env, cache } = await rig();
    let asked = (): void => {};
    const begun = new Promise<void>((resolve) => {
      asked = resolve;
    });
    hub.onContents = () => {
      asked();
      return true; // it never answers
    };
    const child = start(["ll-pull", "hf:ll/tiny:F16"], { env });
    const outcome = ended(child);
    await begun;
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 143, stdout: "" });
    const names = await readdir(cache, { recursive: true });
    expect(names.filter((name) => name.endsWith(".lock"))).toEqual([]);
    hub.onContents = () => false;
    expect((await runHere("ll-pull", ["-q", "hf:ll/tiny:F16"], env)).code).toBe(0);
    await rm(cache, { recursive: true });
  });
});

describeWithTestData("a model with a real vocabulary", () => {
  test("ll-inspect asks for little more than its header, and says what it is", async () => {
    const { hub, env } = await rig();
    const bytes = await modelWithVocabulary();
    hub.repos = { "ll/qwen": { commit: COMMIT, files: { "qwen-F32.gguf": bytes } } };
    const { dataOffset } = await openGguf(memorySource(bytes));
    const { code, stdout } = await runHere("ll-inspect", ["hf:ll/qwen"], env);
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(2, 8)).toEqual([
      "family     qwen3",
      "tokenizer  byte-level BPE (qwen2), 151,936 pieces",
      "template   its own, 4,116 characters",
      "context    1,024 tokens",
      "weights    7,355,592: f32 100 %; all F32",
      "runs here  yes",
    ]);
    const asked = hub.seen.filter(({ origin }) => origin === "contents").map(({ range }) => lengthOf(range));
    expect(asked.length).toBeLessThanOrEqual(8);
    const sum = asked.reduce((all, length) => all + length, 0);
    expect(sum).toBeGreaterThanOrEqual(dataOffset);
    expect(sum).toBeLessThanOrEqual(dataOffset + 4 * 1024 * 1024); // a chunk is read ahead
    expect(bytes.length).toBeGreaterThan(4 * sum);
  });
});

/** Bytes of `bytes=FIRST-LAST`. */
function lengthOf(range: string | undefined): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  return Number(last) + 1 - Number(first);
}
