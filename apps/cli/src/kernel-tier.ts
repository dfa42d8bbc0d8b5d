// `LL_KERNEL`: the kernels that the programs compute with; all compute the same bits.

import { KERNEL_TIERS, type KernelTier } from "@ll/quant";
import type { Io } from "./command.ts";
import { UsageError } from "./errors.ts";

/** The tier that `LL_KERNEL` forces; undefined if it is not set. @throws UsageError */
export function kernelTier(env: Io["env"]): KernelTier | undefined {
  const wanted = env["LL_KERNEL"];
  if (wanted === undefined || wanted === "") return undefined;
  const tier = KERNEL_TIERS.find((known) => known === wanted);
  if (tier === undefined) throw new UsageError(`LL_KERNEL is "${wanted}", expected one of ${KERNEL_TIERS.join(", ")}`);
  return tier;
}
