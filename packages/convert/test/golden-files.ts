// What build 803 of llama.cpp makes of the golden model.

import { memorySource } from "@ll/bytes";
import { type GgmlFile, openGgml } from "@ll/ggml-format";
import { FTYPES } from "@ll/quant";
import { goldenModelBytes } from "../../../tools/golden-model.ts";

/** Size and sha256 of the files that build 803 makes of the golden model. */
export const GOLDEN: ReadonlyMap<string, readonly [number, string]> = new Map([
  ["Q4_0", [1151328, "fc77f0ad2a2148bad120a3c1b24755549c0fd5ff74ffdd5305668e1afb91beee"]],
  ["Q4_1", [1266016, "cb2e4e1f2eb968f2929cdca4fab64ac0e29128c0ad50e374f5070955ca64e81c"]],
  ["Q5_0", [1380704, "3c68c62e8c26bf247a86142d7986b12e19db2069206d2ddf2b1d4962eca3af28"]],
  ["Q5_1", [1495392, "1e4730e94107545298886e90ebe4dca449a76d7ff6701e489fadaf62e3be0cc4"]],
  ["Q8_0", [2068832, "9bd652868da57fe41d58a427ac0409a0189679ef8d675aa9cbb4f588dbfed139"]],
  ["Q2_K", [874848, "216815fa3862d8a1f65c362a01ec646279d86455692227c1adcf910a9edc71f0"]],
  ["Q3_K_S", [907616, "598b14a35567625ba3119659b72a0c9bcc81684d59165323a862d7b0c332daf0"]],
  ["Q3_K_M", [994656, "7f2fa6d5920cfb0ba7fe0f0421885ca80872a935c8fcd372bf2e6d0fc9155167"]],
  ["Q3_K_L", [1076576, "1bdc084bd506511a3b508c9f5fd421721c941d27aa045e14f107d29665cb9ed2"]],
  ["Q4_K_S", [1151328, "fc926c5c8ca56e71df4573c4c814214fec04b5424eaf40a0b04fc9fc18ae9295"]],
  ["Q4_K_M", [1218912, "1abb98fadad15dac8cef776d974cc30653b8d61ef24a5f38815a95c1913f5b3e"]],
  ["Q5_K_S", [1380704, "0a78f8fc2ad6dc19c3751792ce3e0bd1f45525febc6dc2916323c33981d1d856"]],
  ["Q5_K_M", [1415520, "5f516b5bc0510b72d6b8cc021902897594d5f0a740fa63b3ff0326dff4695062"]],
  ["Q6_K", [1624416, "b50cf1f3212e57fb8d20a238458e5d5a6e04c166401e289dd1f883274a0bdc63"]],
  ["F16", [3943776, "81f045204268df5a3b954f8c58bf6aa52910cf7dd746bd3b3d32eebca8a06db5"]],
  ["F32", [7459168, "76e9cff0a2babdcd6e44e25640234ef8812ba9bc21fa942fbfb12ed6debe8eea"]],
] as const);

/** Id of the file type with this name, in any case. */
export function ftypeOf(name: string): number {
  return FTYPES.find((type) => type.name.toLowerCase() === name.toLowerCase())?.id ?? Number.NaN;
}

/** The golden model, opened. */
export function golden(): Promise<GgmlFile> {
  return openGgml(memorySource(goldenModelBytes(), "gold-f16.bin"));
}
