// Settings of a request by their names in the API. Only those that were changed are sent; what is left out is the server's to choose.

import { text } from "../text.ts";
import type { Settings } from "./records.ts";

export interface NumberSetting {
  readonly name: keyof (typeof text)["settingHelp"];
  readonly min: number;
  readonly max: number;
  /** 1 for whole numbers. */
  readonly step: number;
}

const INT32 = 2 ** 31 - 1;

const setting = (name: NumberSetting["name"], min: number, max: number, step: number): NumberSetting => ({
  name,
  min,
  max,
  step,
});

export const MAIN_SETTINGS: readonly NumberSetting[] = [
  setting("temperature", 0, 2, 0.05),
  setting("max_tokens", 1, INT32, 1),
  setting("seed", 0, 2 ** 32 - 1, 1),
];

export const SAMPLING_SETTINGS: readonly NumberSetting[] = [
  setting("top_k", 0, INT32, 1),
  setting("top_p", 0, 1, 0.01),
  setting("min_p", 0, 1, 0.01),
  setting("typical_p", 0, 1, 0.01),
  setting("tfs_z", 0, 1, 0.01),
  setting("repeat_penalty", 0.01, 10, 0.01),
  setting("repeat_last_n", -1, INT32, 1),
  setting("frequency_penalty", -2, 2, 0.05),
  setting("presence_penalty", -2, 2, 0.05),
  setting("dry_multiplier", 0, 1000, 0.05),
  setting("xtc_probability", 0, 1, 0.01),
  setting("xtc_threshold", 0, 1, 0.01),
  setting("mirostat", 0, 2, 1),
  setting("mirostat_tau", 0.01, 100, 0.1),
  setting("mirostat_eta", 0.001, 10, 0.01),
];

const NUMBERS = new Map([...MAIN_SETTINGS, ...SAMPLING_SETTINGS].map((one) => [one.name as string, one]));

/** A number within its bounds, or undefined for what is none. */
export function readSetting({ min, max, step }: NumberSetting, typed: string): number | undefined {
  const value = Number(typed);
  if (typed.trim() === "" || !Number.isFinite(value)) return undefined;
  const bounded = Math.min(max, Math.max(min, value));
  return step === 1 ? Math.round(bounded) : bounded;
}

/** The fields of a request that settings become. @param forChat false for a raw completion, which knows neither thoughts nor schemas */
export function requestFields(settings: Settings, forChat: boolean): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (NUMBERS.has(name)) fields[name] = value;
  }
  const { stop, think, schema } = settings;
  if (typeof stop === "string" && stop !== "") fields["stop"] = stop.split("\n").filter((line) => line !== "");
  if (!forChat) return fields;
  if (typeof think === "boolean") fields["chat_template_kwargs"] = { enable_thinking: think };
  if (typeof schema === "string" && schema.trim() !== "") {
    const json: unknown = JSON.parse(schema);
    fields["response_format"] = { type: "json_schema", json_schema: { name: "answer", schema: json } };
  }
  return fields;
}

/** What is wrong with the text of a schema; undefined for nothing. */
export function schemaFlaw(schema: string): string | undefined {
  if (schema.trim() === "") return undefined;
  try {
    const json: unknown = JSON.parse(schema);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? undefined : text.schemaNoObject;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
