// A worker that packs, as its own entry: it serves whoever started it.

import { parentPort } from "@ll/bytes/workers";
import { serve } from "./packing/worker-loop.ts";

serve(parentPort());
