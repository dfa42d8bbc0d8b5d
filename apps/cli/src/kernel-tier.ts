// `LL_KERNEL`: the kernels that the programs compute with; all compute the same bits.

import { KERNEL_NAMES, type KernelName, type KernelTier } from "@ll/quant";
import type { Io } from "./command.ts";
import { UsageError } from "./errors.ts";

/** The kernels that `LL_KERNEL` forces; undefined if it is not set. @throws UsageError */
export function kernelName(env: Io["env"]): KernelName | undefined {
  const wanted = env["LL_KERNEL"];
  if (wanted === undefined || wanted === "") return undefined;
  const name = KERNEL_NAMES.find((known) => known === wanted);
  if (name === undefined) throw new UsageError(`LL_KERNEL is "${wanted}", expected one of ${KERNEL_NAMES.join(", ")}`);
  return name;
}

/** Their tier. @throws UsageError */
export function kernelTier(env: Io["env"]): KernelTier | undefined {
  return kernelName(env)?.replace(/-.*/, "") as KernelTier | undefined;
}
