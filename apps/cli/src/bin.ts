// Runs a program from the sources: node --conditions=@ll/source apps/cli/src/bin.ts ll-convert …

import { main } from "./main.ts";

await main(process.argv[2] ?? "ll", process.argv.slice(3));
