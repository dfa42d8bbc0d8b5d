// The worker of a team, as its own entry: it serves whoever started it. The build makes it one file without imports, because
// workers have no import map and not every bundler looks for what a worker imports.

import { parentPort } from "@ll/bytes/workers";
import { serve } from "./team/worker-loop.ts";
import { WORKER_NAME } from "./worker-script.ts";

serve(parentPort(WORKER_NAME));
