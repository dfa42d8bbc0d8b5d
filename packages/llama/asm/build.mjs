// Compiles index.ts to build/simd.wasm and, for the package, to a module that holds the same bytes as text:
// src/kernels/wasm-simd.ts. Neither is committed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as asc from "assemblyscript/asc";

const HERE = import.meta.dirname;

mkdirSync(join(HERE, "build"), { recursive: true });
const args = ["index.ts", "--baseDir", HERE, "--outFile", "build/simd.wasm", "-O3", "--noAssert", "--runtime", "stub"];
const { error, stderr } = await asc.main([...args, "--importMemory", "--noExportMemory", "--enable", "simd"]);
if (error) {
  process.stderr.write(stderr.toString());
  process.exit(1);
}
const base64 = readFileSync(join(HERE, "build", "simd.wasm")).toString("base64");
const lines = ["// Made by asm/build.mjs; not committed.", "", "/** The kernels, in base64. */"];
lines.push("export const WASM_SIMD: string =", `  "${base64}";`, "");
writeFileSync(join(HERE, "..", "src", "kernels", "wasm-simd.ts"), lines.join("\n"));
