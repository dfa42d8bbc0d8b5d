// The worker of a team, as its own entry: it serves whoever started it.

import { parentPort } from "@ll/bytes/workers";
import { serve } from "./team/worker-loop.ts";

serve(parentPort());
