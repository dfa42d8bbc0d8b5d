// Runs the program from the sources: node --conditions=@ll/source apps/batch/src/bin.ts run IN.jsonl OUT.jsonl …

import { main } from "./main.ts";

await main(process.argv.slice(2));
