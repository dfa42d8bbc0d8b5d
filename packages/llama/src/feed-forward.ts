// The feed-forward block: down(silu(gate · x) ⊙ (up · x)).

import type { Activations } from "./activations.ts";
import { matmul } from "./matmul.ts";
import { swiglu } from "./ops.ts";
import type { Pace } from "./pace.ts";
import type { LayerWeights } from "./weights.ts";

/** Replaces the normalised rows in `state.xb` by the block's output. */
export async function feedForward(state: Activations, layer: LayerWeights, nTokens: number, pace: Pace): Promise<void> {
  const { xb, gate, up } = state;
  await matmul(up, layer.w3, xb, nTokens, pace);
  await matmul(gate, layer.w1, xb, nTokens, pace);
  swiglu(gate, up, nTokens * layer.w1.rows);
  await matmul(xb, layer.w2, gate, nTokens, pace);
}
