// Small text files that are read whole: saved conversations, the configuration of an adapter, the file of options.

import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { safetensorsFile } from "../../../../packages/checkpoint/test/support/safetensors-writer.ts";
import { readSavedChat } from "../../src/commands/chat/saved-chat.ts";
import { openPeftAdapter } from "../../src/commands/peft-adapter.ts";
import { configFileLayers, configText } from "../../src/configuration.ts";
import { Refusal, UsageError } from "../../src/errors.ts";
import { colorRow, flagRow, valueRow } from "../../src/option-rows.ts";
import { temporaryDirectory } from "../programs.ts";

/** A file that holds `content`, or is that many bytes long. */
async function fileOf(directory: string, name: string, content: string | Uint8Array | number): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof content === "number" ? "" : content);
  if (typeof content === "number") await truncate(path, content);
  return path;
}

const NOT_UTF8 = Uint8Array.of(0x22, 0xff, 0x22);

describe("a saved conversation", () => {
  test.each([
    ["of 17 MiB", 17 * 2 ** 20, "E_LIMIT"],
    ["that is no UTF-8", NOT_UTF8, "E_ENCODING"],
    ["that is no JSON", "{", "E_SESSION"],
    ["of something else", "[]", "E_SESSION"],
    ["of another program", '{"program": "other"}', "E_SESSION"],
  ])("%s is refused", async (_what, content, code) => {
    const path = await fileOf(await temporaryDirectory(), "chat.json", content);
    await expect(readSavedChat(path)).rejects.toSatisfy((error) => isFormatError(error, code) && error.file === path);
  });
});

describe("the configuration of an adapter", () => {
  test.each([
    ["of 2 MiB", 2 * 2 ** 20, "more than 1048576 bytes"],
    ["that is no UTF-8", NOT_UTF8, "is not JSON"],
    ["that is no JSON", "{", "is not JSON"],
    ["that is no object", "5", "adapter_config.json"],
  ])("%s is refused", async (_what, content, message) => {
    const directory = await temporaryDirectory();
    await fileOf(directory, "adapter_config.json", content);
    const error = await openPeftAdapter(directory).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refusal);
    expect((error as Refusal).message).toContain(message);
  });

  test("two tensors that are the same half of a pair are refused", async () => {
    const directory = await temporaryDirectory();
    await fileOf(directory, "adapter_config.json", '{"peft_type": "LORA", "r": 1, "lora_alpha": 1}');
    const half = { type: "f32", shape: [1, 2], bytes: new Uint8Array(8) };
    const names = ["a.layers.0.mlp.up_proj.lora_A.weight", "b.layers.0.mlp.up_proj.lora_A.weight"];
    await fileOf(directory, "adapter_model.safetensors", safetensorsFile(new Map(names.map((name) => [name, half]))));
    await expect(openPeftAdapter(directory)).rejects.toThrow(
      "two tensors are lora_A of layers.0.feed_forward.w3.weight: b.",
    );
  });

  test("what training left over beside the pairs is no part of them", async () => {
    const directory = await temporaryDirectory();
    await fileOf(directory, "adapter_config.json", '{"peft_type": "LORA", "r": 1, "lora_alpha": 1}');
    const left = { type: "f32", shape: [2], bytes: new Uint8Array(8) };
    await fileOf(directory, "adapter_model.safetensors", safetensorsFile(new Map([["llama_proj.bias", left]])));
    await expect(openPeftAdapter(directory)).rejects.toThrow("no tensors");
  });
});

describe("the file of options", () => {
  const table = [colorRow<{ color: "auto" | "always" | "never" }>("Output", "colours", "auto")];

  async function layersOf(content: string | number): Promise<unknown> {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "ll"));
    await fileOf(directory, "ll/config.json", content);
    const layers = await configFileLayers({ XDG_CONFIG_HOME: directory }, table);
    return layers.map(({ argv }) => argv);
  }

  test("is not looked for where there is no home", async () => {
    expect(await configFileLayers({}, table)).toEqual([]);
  });

  test("a word of a flag is taken as one, another is refused", async () => {
    expect(await layersOf('{"color": "never"}')).toEqual([["--color=never"]]);
    await expect(layersOf('{"color": "red"}')).rejects.toThrow(UsageError);
  });

  test("what it does not set is shown as the default", () => {
    const set = () => undefined;
    const rows = [
      ...table,
      flagRow("Output", ["--quiet"], "", set),
      valueRow("Model", ["--model", "-m"], "path", { placeholder: "FILE", help: "" }, set),
    ];
    expect(configText(rows, new Map()).split("\n").slice(1, 4)).toEqual([
      expect.stringMatching(/^color +auto +default$/),
      expect.stringMatching(/^quiet +off +default$/),
      expect.stringMatching(/^model +- +default$/),
    ]);
  });

  test.each([
    ["65 KiB", 65 * 1024, "more than 65536 bytes"],
    ["no JSON", "{", "not JSON"],
    ["an array", "[]", "expected an object"],
    ["a name far from all others", '{"zzzzzzzzzzzz": 1}', "is no option"],
  ])("%s is refused", async (_what, content, message) => {
    await expect(layersOf(content)).rejects.toThrow(message);
  });
});
