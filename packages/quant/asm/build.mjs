// Compiles index.ts twice, with plain and with relaxed SIMD, to build/NAME.wasm and, for the package, to modules that hold the
// same bytes as text: src/kernels/wasm-NAME.ts. Neither is committed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as asc from "assemblyscript/asc";

const HERE = import.meta.dirname;
const FEATURES = { simd: "simd", relaxed: "simd,relaxed-simd" };

mkdirSync(join(HERE, "build"), { recursive: true });
for (const [name, features] of Object.entries(FEATURES)) {
  const args = ["index.ts", "--baseDir", HERE, "--outFile", `build/${name}.wasm`, "-O3", "--noAssert", "--runtime", "stub"];
  const { error, stderr } = await asc.main([...args, "--importMemory", "--noExportMemory", "--enable", features]);
  if (error) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
  const base64 = readFileSync(join(HERE, "build", `${name}.wasm`)).toString("base64");
  const lines = ["// Made by asm/build.mjs; not committed.", "", `/** The kernels with ${features}, in base64. */`];
  lines.push(`export const WASM_${name.toUpperCase()}: string =`, `  "${base64}";`, "");
  writeFileSync(join(HERE, "..", "src", "kernels", `wasm-${name}.ts`), lines.join("\n"));
}
