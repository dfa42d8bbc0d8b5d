// Rotary positions in every spelling of config.json: read, or refused by name; never taken for plain ones.

import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { readHfConfig } from "../src/hf-config.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { CONFIG_JSON } from "./support/tiny-model.ts";

function read(members: Record<string, unknown>) {
  const json = JSON.stringify({ ...JSON.parse(CONFIG_JSON), ...members });
  return readHfConfig(memorySource(new TextEncoder().encode(json), "config.json"));
}

const LINEAR = { rope_type: "linear", factor: 4 };

describe("read", () => {
  const rows: readonly (readonly [
    row: string,
    members: Record<string, unknown>,
    base: number | undefined,
    scale: number | undefined,
  ])[] = [
    ["nothing", {}, undefined, undefined],
    ["transformers 4", { rope_theta: 5e4, rope_scaling: { type: "linear", factor: 4 } }, 5e4, 0.25],
    ["rope_type", { rope_theta: 5e4, rope_scaling: LINEAR }, 5e4, 0.25],
    ["both names", { rope_scaling: { type: "linear", rope_type: "linear", factor: 4 } }, undefined, 0.25],
    ["a factor with a point", { rope_scaling: { type: "linear", factor: 2.5 } }, undefined, 0.4],
    ["no scaling", { rope_theta: 5e4, rope_scaling: null }, 5e4, undefined],
    ["default", { rope_theta: 5e4, rope_scaling: { type: "default" } }, 5e4, undefined],
    ["transformers 5", { rope_parameters: { ...LINEAR, rope_theta: 5e4 } }, 5e4, 0.25],
    ["the base only", { rope_parameters: { rope_type: "default", rope_theta: 5e4 } }, 5e4, undefined],
    ["no type", { rope_parameters: { rope_theta: 5e4 } }, 5e4, undefined],
    ["a whole head", { rope_parameters: { rope_theta: 5e4, partial_rotary_factor: 1 } }, 5e4, undefined],
    ["an empty object", { rope_theta: 5e4, rope_parameters: {} }, 5e4, undefined],
    ["null", { rope_theta: 5e4, rope_parameters: null, rope_scaling: LINEAR }, 5e4, 0.25],
    ["the base in rope_scaling", { rope_scaling: { ...LINEAR, rope_theta: 5e4 } }, 5e4, 0.25],
    // transformers 4 leaves the base of its own default beside what version 5 wrote
    ["two bases", { rope_theta: 1e4, rope_parameters: { rope_theta: 5e4 } }, 5e4, undefined],
    ["both objects", { rope_scaling: LINEAR, rope_parameters: { ...LINEAR, rope_theta: 5e4 } }, 5e4, 0.25],
    ["per type of layers", { rope_parameters: { full_attention: { ...LINEAR, rope_theta: 5e4 } } }, 5e4, 0.25],
    [
      "layers that agree",
      { rope_parameters: { full_attention: LINEAR, sliding_attention: { type: "linear", factor: 4 } } },
      undefined,
      0.25,
    ],
  ];
  it.each(rows)("%s", async (_, members, base, scale) => {
    const { ropeFreqBase, ropeFreqScale } = await read(members);
    expect([ropeFreqBase, ropeFreqScale]).toEqual([base, scale]);
  });
});

describe("refused", () => {
  const types = ["yarn", "llama3", "longrope", "su", "dynamic", "ntk", "proportional", "mrope", "Linear"];
  const spellings = (type: string): Record<string, unknown>[] => [
    { rope_scaling: { type, factor: 2 } },
    { rope_scaling: { rope_type: type, factor: 2 } },
    { rope_parameters: { rope_type: type, rope_theta: 5e4, factor: 2 } },
    { rope_parameters: { full_attention: { rope_type: type, factor: 2 } } },
  ];
  it.each(types)("%s, in every spelling, by its name", async (type) => {
    for (const members of spellings(type)) {
      const error = await expectRejected(() => read(members), "E_UNSUPPORTED");
      expect(error.got).toBe(`"${type}"`);
      expect(error.hint).toBeDefined();
    }
  });

  it("says of dynamic scaling that it can be left out for short contexts", async () => {
    const error = await expectRejected(() => read({ rope_scaling: { type: "dynamic", factor: 2 } }), "E_UNSUPPORTED");
    expect(error.message).toContain("set it to null");
  });

  const rows: readonly (readonly [row: string, members: Record<string, unknown>, code: string])[] = [
    ["linear without a factor", { rope_parameters: { rope_type: "linear" } }, "E_UNSUPPORTED"],
    ["a factor without a type", { rope_parameters: { factor: 4 } }, "E_UNSUPPORTED"],
    ["other numbers without a type", { rope_parameters: { low_freq_factor: 1 } }, "E_UNSUPPORTED"],
    ["two types", { rope_scaling: { type: "mrope", rope_type: "default" } }, "E_UNSUPPORTED"],
    ["half a head", { rope_parameters: { partial_rotary_factor: 0.5 } }, "E_UNSUPPORTED"],
    [
      "layers that differ",
      { rope_parameters: { full_attention: LINEAR, sliding_attention: { rope_type: "default" } } },
      "E_UNSUPPORTED",
    ],
    ["two answers", { rope_parameters: { rope_theta: 5e4 }, rope_scaling: LINEAR }, "E_HPARAM"],
    ["a factor of text", { rope_scaling: { type: "linear", factor: "4" } }, "E_FIELD"],
    ["a base of 0", { rope_parameters: { rope_theta: 0 } }, "E_HPARAM"],
    ["a list", { rope_parameters: [] }, "E_FIELD"],
  ];
  it.each(rows)("%s", async (_, members, code) => {
    await expectRejected(() => read(members), code);
  });
});
