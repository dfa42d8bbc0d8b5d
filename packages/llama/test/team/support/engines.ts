// Fast engines for tests: the kernels that run here, models over them that are disposed of when a test ends, and teams whose workers can be
// killed.

import type { SpawnWorker } from "@ll/bytes/workers";
import { KERNEL_NAMES, type KernelName, loadKernels } from "@ll/quant";
import { onTestFinished } from "vitest";
import { type MortalWorker, mortalWorkers } from "../../../../../tools/mortal-workers.ts";
import type { LoadModelOptions, ModelConfig, TeamModel, TensorSource } from "../../../src/index.ts";
import { loadTeamModel, type TeamInternals } from "../../../src/team/load-model.ts";

/** The fast kernels that run on this machine, with both ways of adding products where there are both. */
export const FAST_KERNELS: KernelName[] = [];
for (const name of KERNEL_NAMES) {
  if (["scalar", "relaxed", "wide"].includes(name)) continue; // of the latter one way or the other
  if ((await loadKernels(name)).tier === name.replace(/-.*/, "")) FAST_KERNELS.push(name);
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

export const mortalTeam = (workers: MortalWorker[]): SpawnWorker =>
  mortalWorkers(workers, new URL("../../../src/worker.ts", import.meta.url));

export async function loadMortal(
  source: TensorSource,
  config: ModelConfig,
  threads: number,
): Promise<{ readonly model: TeamModel; readonly workers: readonly MortalWorker[] }> {
  const workers: MortalWorker[] = [];
  const model = await loadForTest(source, config, { threads }, { spawn: mortalTeam(workers) });
  return { model, workers };
}
