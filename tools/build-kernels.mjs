// Compiles asm/index.ts of the package that it is run in, once for each tier that is named, to asm/build/TIER.wasm and, for the
// package, to a module that holds the same bytes as text: src/kernels/wasm-TIER.ts. Neither is committed. `packers` is another
// module, asm/packers.ts, with plain SIMD. The text is hexadecimal: gzip finds bytes that come again in it, which it does not in base64,
// and archives are a third smaller.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as asc from "assemblyscript/asc";
import { noteKernelSources } from "./kernel-sources.mjs";

const FEATURES = { simd: "simd", relaxed: "simd,relaxed-simd", packers: "simd" };
const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--noExportMemory"];

mkdirSync("asm/build", { recursive: true });
for (const tier of process.argv.slice(2)) {
  const file = `asm/build/${tier}.wasm`;
  const entry = tier === "packers" ? "asm/packers.ts" : "asm/index.ts";
  const { error, stderr } = await asc.main([entry, "--outFile", file, "--enable", FEATURES[tier], ...OPTIONS]);
  if (error) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
  const lines = [
    "// Made by tools/build-kernels.mjs; not committed.",
    "",
    `/** The ${tier === "packers" ? tier : "kernels"} with ${FEATURES[tier]}, in hexadecimal. */`,
    `export const WASM_${tier.toUpperCase()}: string =`,
    `  "${readFileSync(file).toString("hex")}";`,
    "",
  ];
  writeFileSync(`src/kernels/wasm-${tier}.ts`, lines.join("\n"));
}
noteKernelSources(".");
