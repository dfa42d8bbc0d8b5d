// Model files of ggjt, used as ll-main and ll-chat use them.

import { ALLOWANCE_BYTES, asProgram, ggjtModel, useModel } from "./small-engine.ts";

export const seeds: readonly Uint8Array[] = [ggjtModel(), ggjtModel("q8_0"), ggjtModel("f16"), ggjtModel("f32")];
export const dictionary: readonly string[] = ["tjgg", "\0\0\x80\x7f", "\xff\xff\xff\xff", "weight"];
export const maxBytes: number = 96 * 1024;
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(() => useModel(data));
}
