// Runs the program from the sources: node --conditions=@ll/source apps/server/src/bin.ts MODEL …

import { main } from "./main.ts";

await main(process.argv.slice(2));
