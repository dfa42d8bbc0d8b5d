import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  applyLayers,
  configFileLayers,
  configPath,
  configText,
  environmentLayers,
  FLAG,
  homeOf,
} from "../src/configuration.ts";
import { flagRow, valueRow } from "../src/option-rows.ts";
import type { OptionSpec } from "../src/option-table.ts";
import { temporaryDirectory } from "./programs.ts";

interface Params {
  model: string;
  size: number;
  color: boolean;
  stops: string[];
}

const TABLE: readonly OptionSpec<Params>[] = [
  valueRow("A", ["--model", "-m"], "path", { placeholder: "FILE", help: "" }, (params, { text }) => {
    params.model = text;
  }),
  valueRow("A", ["--ctx-size", "-c"], "int", { placeholder: "N", help: "", default: "512" }, (params, { number }) => {
    params.size = number;
  }),
  valueRow("A", ["--stop"], "text", { placeholder: "TEXT", help: "" }, (params, { text }) => {
    params.stops.push(text);
  }),
  flagRow("A", ["--color"], "", (params) => {
    params.color = true;
  }),
  { ...flagRow("A", ["--paint"], "", () => undefined), words: ["auto", "never"] },
];

const defaults = (): Params => ({ model: "m", size: 512, color: false, stops: [] });

/** The environment with this text as configuration file. */
async function withConfig(text: string): Promise<Record<string, string>> {
  const folder = await temporaryDirectory();
  await mkdir(join(folder, "ll"));
  await writeFile(join(folder, "ll/config.json"), text);
  return { XDG_CONFIG_HOME: folder };
}

test("flags win over the environment, that over the file, that over defaults", async () => {
  const file = await withConfig('{"model": "file", "ctx-size": 1, "color": true, "stop": ["a", "b"]}');
  const env = { ...file, LL_MODEL: "environment", LL_CTX_SIZE: "2" };
  const layers = [
    ...(await configFileLayers(env, TABLE)),
    ...environmentLayers(env, ["--model", "--ctx-size", "--stop"]),
    { origin: FLAG, argv: ["-c", "3"] },
  ];
  const params = defaults();
  const origins = await applyLayers(TABLE, layers, params);
  expect(params).toEqual({ model: "environment", size: 3, color: true, stops: ["a", "b"] });
  const path = join(file["XDG_CONFIG_HOME"] as string, "ll/config.json");
  expect(configText(TABLE, origins).replace(path, "PATH").replace(path, "PATH")).toMatchInlineSnapshot(`
    "option    value        origin
    model     environment  LL_MODEL
    ctx-size  3            flag
    stop      b            PATH
    color     on           PATH
    paint     off          default
    "
  `);
});

test("of a file that is for another program too, only some names count", async () => {
  const file = await withConfig('{"model": "file", "ctx-size": 1, "no-such-option": 1}');
  const layers = await configFileLayers(file, TABLE, ["--model"]);
  expect(layers.map(({ argv }) => argv)).toEqual([["--model", "file"]]);
});

test("an empty variable sets nothing", () => {
  expect(environmentLayers({ LL_MODEL: "", LL_THREADS: "2" }, ["--model", "--threads", "--ctx-size"])).toEqual([
    { origin: "LL_THREADS", argv: ["--threads", "2"] },
  ]);
});

test("the file is where XDG says, else below the home, else nowhere", () => {
  expect(configPath({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/ll/config.json");
  expect(configPath({ XDG_CONFIG_HOME: "", HOME: "/h" })).toBe("/h/.config/ll/config.json");
  expect(configPath({})).toBeUndefined();
  expect(configPath({ HOME: "" })).toBeUndefined(); // not below the working directory
});

describe("errors name the source", () => {
  test("of the environment", async () => {
    const layers = environmentLayers({ LL_CTX_SIZE: "x" }, ["--ctx-size"]);
    await expect(applyLayers(TABLE, layers, defaults())).rejects.toMatchObject({
      message: "LL_CTX_SIZE: error: invalid parameter for argument: --ctx-size",
      hint: 'expected a whole number, got "x"',
    });
  });

  test("but not of flags, which everyone can see", async () => {
    await expect(applyLayers(TABLE, [{ origin: FLAG, argv: ["-c", "x"] }], defaults())).rejects.toMatchObject({
      message: "error: invalid parameter for argument: -c",
    });
  });

  test.each([
    ["no JSON", "{", "not JSON: "],
    ["a list", "[]", "expected an object with names of options"],
    ["null", "null", "expected an object with names of options"],
    ["an unknown name", '{"modle": "x"}', '"modle" is no option'],
    ["a prototype", '{"__proto__": {"model": "x"}}', '"__proto__" is no option'],
    ["an object as a value", '{"model": {}}', '"model" expected a text or a number'],
    ["a text for a flag", '{"color": "yes"}', '"color" expected true or false'],
    ["a word that a flag does not know", '{"paint": "yes"}', '"paint" expected true, auto or never'],
    ["no word for a flag that knows some", '{"paint": false}', '"paint" expected true, auto or never'],
    ["too much", `"${"x".repeat(70_000)}"`, "more than 65536 bytes"],
  ])("of the file: %s", async (_name, text, message) => {
    const env = await withConfig(text);
    const error = await configFileLayers(env, TABLE).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "UsageError" });
    expect((error as Error).message).toContain(`${env["XDG_CONFIG_HOME"]}/ll/config.json: ${message}`);
  });

  test("an unknown name comes with a suggestion", async () => {
    const env = await withConfig('{"modle": "x"}');
    await expect(configFileLayers(env, TABLE)).rejects.toMatchObject({ hint: 'Did you mean "model"?' });
  });
});

test("no file is no error; a folder in its place is one", async () => {
  expect(await configFileLayers({ HOME: "/nonexistent" }, TABLE)).toEqual([]);
  expect(await configFileLayers({}, TABLE)).toEqual([]);
  const folder = await temporaryDirectory();
  await mkdir(join(folder, "ll/config.json"), { recursive: true });
  await expect(configFileLayers({ XDG_CONFIG_HOME: folder }, TABLE)).rejects.toMatchObject({ code: "E_IO" });
});

test("false leaves a flag off", async () => {
  const params = defaults();
  await applyLayers(TABLE, await configFileLayers(await withConfig('{"color": false}'), TABLE), params);
  expect(params.color).toBe(false);
});

test("~ is the home in paths of any source, nowhere else", async () => {
  const table: OptionSpec<{ model: string; prompt: string }>[] = [
    valueRow("A", ["--model"], "path", { placeholder: "F", help: "" }, (params, { text }) => {
      params.model = text;
    }),
    valueRow("A", ["--prompt"], "text", { placeholder: "T", help: "" }, (params, { text }) => {
      params.prompt = text;
    }),
  ];
  const read = async (value: string, home?: string): Promise<unknown> => {
    const params = { model: "", prompt: "" };
    const argv = ["--model", value, "--prompt", value];
    const origins = await applyLayers(table, [{ origin: "LL_MODEL", argv }], params, home);
    expect(origins.get("--model")?.[0]?.text).toBe(params.model);
    return [params.model, params.prompt];
  };
  expect(await read("~/m.bin", "/home/me")).toEqual(["/home/me/m.bin", "~/m.bin"]);
  expect(await read("~", "/home/me")).toEqual(["/home/me", "~"]);
  for (const path of ["~you/m.bin", "a/~/m.bin", "./~"]) expect(await read(path, "/home/me")).toEqual([path, path]);
  expect(await read("~/m.bin")).toEqual(["~/m.bin", "~/m.bin"]);
  expect([homeOf({ HOME: "" }), homeOf({ HOME: "", USERPROFILE: "u" }), homeOf({ HOME: "h" })]).toEqual([
    undefined,
    "u",
    "h",
  ]);
});
