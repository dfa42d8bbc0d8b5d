// Property tests draw the same cases in every run, so that a red run is about the change at hand. LL_SEED=N draws others; long runs should.

import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["LL_SEED"] ?? 803) });
