// The packed packages on every runtime that they are for.

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { openModel, restoreSession } from "@ll/chat/node";
import { buildSync, transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runExamples } from "../../packages/chat/test/support/examples.ts";
import { SNIPPETS } from "../readme-snippets.ts";
import { COMMANDS, installGlobally, missing, NODES, nodeFolder, packedProject, processorSeconds } from "../runtimes.ts";
import { tinyModel } from "../tiny-model.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const RUNTIMES = Object.keys(COMMANDS);
const PROMPT = ["-m", "model.bin", "-s", "3", "--temp", "0", "-p", "Once upon a time"];
const STORY = "Once upon a time, there was a little";

/** The examples of @ll/chat as a script that prints what they give. */
const EXAMPLES_SCRIPT = `
  import { readFileSync } from "node:fs";
  import { openModel, restoreSession } from "@ll/chat/node";
  import { runExamples } from "./packages/chat/test/support/examples.ts";
  console.log(JSON.stringify(await runExamples({ openModel, restoreSession }, readFileSync("model.bin"))));
`;

describe.skipIf(missing !== undefined)(missing ?? "a project with the packages", () => {
  let project: string;
  let examples: Awaited<ReturnType<typeof runExamples>>;

  beforeAll(async () => {
    project = packedProject();
    writeFileSync(join(project, "model.bin"), await tinyModel("q4_0"));
    examples = await runExamples({ openModel, restoreSession }, await tinyModel("q4_0"));
    const { outputFiles } = buildSync({
      stdin: { contents: EXAMPLES_SCRIPT, resolveDir: ROOT, loader: "ts" },
      ...{ bundle: true, platform: "node", format: "esm", target: "esnext", external: ["@ll/*"], write: false },
    });
    writeFileSync(join(project, "examples.js"), outputFiles[0]?.contents ?? "");
  });

  afterAll(() => rmSync(project, { recursive: true }));

  /** Runs a script of the project and returns its standard output. */
  function run(runtime: string, script: string, args: readonly string[], cwd: string): string {
    const [command = "", ...options] = COMMANDS[runtime] ?? [];
    const { status, stdout, stderr } = spawnSync(command, [...options, join(project, script), ...args], {
      cwd,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    return stdout;
  }

  describe.each(RUNTIMES)("%s", (runtime) => {
    test.each(SNIPPETS.map((snippet) => [snippet.name, snippet] as const))("%s", (_, { folder, code, output }) => {
      const script = "snippet.js";
      writeFileSync(join(project, script), transformSync(code, { loader: "ts", target: "esnext" }).code);
      expect(run(runtime, script, [], join(ROOT, folder)).trimEnd().split("\n")).toEqual(output);
    });

    test("packages/llama/README.md, a model from a file on all cores", () => {
      const [, code = ""] = /^```ts\n(.*?"ggml-model-q4_0\.bin".*?)^```/ms.exec(readme("packages/llama")) ?? [];
      const script = "from-file.js";
      const here = code.replace("ggml-model-q4_0.bin", "model.bin");
      writeFileSync(join(project, script), transformSync(here, { loader: "ts", target: "esnext" }).code);
      expect(run(runtime, script, [], project)).toMatch(/^[\w\s.,"'!?-]{200,}$/);
    });

    test("the examples of @ll/chat give what they give from the sources", () => {
      expect(JSON.parse(run(runtime, "examples.js", [], project))).toEqual(examples);
    });

    test.each(["1", "2"])("ll-main with %s threads", (threads) => {
      const main = "node_modules/@ll/cli/bin/ll-main.js";
      expect(run(runtime, main, [...PROMPT, "-n", "5", "-t", threads], project).trim()).toBe(STORY);
    });
  });

  describe("from start to the first token", () => {
    const firstToken = (runtime: string, threads: string): number => {
      const command = [...(COMMANDS[runtime] ?? []), "node_modules/@ll/cli/bin/ll-main.js"];
      const runs = [1, 2, 3].map(() => processorSeconds([...command, ...PROMPT, "-n", "1", "-t", threads], project));
      return Math.min(...runs);
    };
    const usual = new Map<string, number>();

    beforeAll(() => {
      for (const threads of ["1", "2"]) usual.set(threads, firstToken("Node 24", threads));
    });

    test.each(RUNTIMES.flatMap((runtime) => ["1", "2"].map((threads) => [runtime, threads] as const)))(
      "%s with %s threads takes at most twice the processor time of Node 24",
      (runtime, threads) => {
        const seconds = firstToken(runtime, threads);
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThan(2 * (usual.get(threads) ?? 0));
      },
    );
  });
});

// npm of today does not run on Node 20.16
describe.skipIf(missing !== undefined).each(NODES.filter((version) => version !== "20.16"))(
  "npm install --global on Node %s",
  (version) => {
    let prefix: string;

    beforeAll(() => {
      const installed = installGlobally(nodeFolder(version));
      prefix = installed.prefix;
      // npm of today says that it does not run the one script below ll-batch, which is optional: see SECURITY.md
      const [scripts = [], rest = []] = [true, false].map((isOfScripts) =>
        installed.said.split("\n").filter((line) => line.startsWith("npm warn install-scripts") === isOfScripts),
      );
      expect(rest.join("\n")).not.toMatch(/warn/i);
      expect(scripts.filter((line) => /@\d/.test(line) && !line.includes(" msgpackr-extract@"))).toEqual([]);
    });

    afterAll(() => rmSync(prefix, { recursive: true }));

    function run(program: string, args: readonly string[], input = ""): { stdout: string; stderr: string } {
      const path = [nodeFolder(version), join(prefix, "bin"), process.env["PATH"]].join(delimiter);
      const { status, stdout, stderr } = spawnSync(program, args, {
        cwd: prefix,
        encoding: "utf8",
        env: { PATH: path, HOME: prefix },
        input,
      });
      expect(status, stderr).toBe(0);
      expect(stderr).not.toMatch(/warn/i);
      return { stdout, stderr };
    }

    test.each(programs())("%s", (program) => {
      expect(run(program, ["--help"])).toEqual({
        stdout: expect.stringMatching(/^Usage|^usage|Examples:/m),
        stderr: "",
      });
      expect(run(program, ["--version"]).stderr).toBe("");
    });

    test("from a checkpoint to a story and a conversation", () => {
      run("ll-convert", [join(ROOT, "fixtures/tiny/meta"), "--outtype", "f16", "--outfile", "f16.bin"]);
      run("ll-quantize", ["f16.bin", "model.bin", "q4_0"]);
      expect(run("ll-main", [...PROMPT, "-n", "5"]).stdout.trim()).toBe(STORY);
      expect(run("ll", ["main", ...PROMPT, "-n", "5"]).stdout.trim()).toBe(STORY);
      expect(run("ll-chat", ["-m", "model.bin", "-n", "5"], "Once upon a time\n").stdout).toMatch(/\w+/);
    });
  },
);

function readme(folder: string): string {
  return readFileSync(join(ROOT, folder, "README.md"), "utf8");
}

function programs(): string[] {
  return Object.keys(JSON.parse(readFileSync(join(ROOT, "apps/cli/package.json"), "utf8")).bin);
}
