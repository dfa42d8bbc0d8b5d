// Both arithmetics, by name.

import type { ArithmeticName } from "@ll/quant";
import type { Arithmetic } from "./arithmetic.ts";
import { build803 } from "./build803.ts";
import { lanes } from "./lanes.ts";

export const ARITHMETICS: Readonly<Record<ArithmeticName, Arithmetic>> = { build803, lanes };
