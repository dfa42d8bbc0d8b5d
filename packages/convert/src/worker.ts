// A worker that packs, as its own entry: it serves whoever started it.

import { parentPort } from "./packing/platform.ts";
import { serve } from "./packing/worker-loop.ts";

serve(parentPort());
