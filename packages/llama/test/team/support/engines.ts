// Fast engines for tests: the kernels that run here, and models over them that are disposed of when a test ends.

import { KERNEL_TIERS, type KernelTier, loadKernels } from "@ll/quant";
import { onTestFinished } from "vitest";
import type { LoadModelOptions, ModelConfig, TeamModel, TensorSource } from "../../../src/index.ts";
import { loadTeamModel, type TeamInternals } from "../../../src/team/load-model.ts";

/** The fast tiers that run on this machine. */
export const FAST_TIERS: KernelTier[] = [];
for (const tier of KERNEL_TIERS) {
  if (tier !== "scalar" && (await loadKernels(tier)).tier === tier) FAST_TIERS.push(tier);
}

export async function loadForTest(
  source: TensorSource,
  config: ModelConfig,
  options: LoadModelOptions = {},
  internals: TeamInternals = {},
): Promise<TeamModel> {
  const model = await loadTeamModel(source, config, options, internals);
  onTestFinished(() => model.dispose());
  return model;
}
