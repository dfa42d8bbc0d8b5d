// The tensors of a model as ggml files hold them.

import type { Architecture, Hyper } from "./architecture.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { metaName } from "./names.ts";

/**
 * Names and shapes of all tensors that a model with Meta's names has, in the order in which build 803 of llama.cpp looks for them; those
 * that have no such name, under their role.
 */
export function* metaTensors<H extends Hyper>(
  { names, build }: Architecture<H>,
  hyper: H,
): Generator<readonly [name: string, shape: readonly number[]]> {
  const builder = new GraphBuilder({ has: (role) => metaName(names, role) !== undefined });
  build(builder, hyper);
  const shapes = new Map(builder.graph.weights.map(({ role, tensorShape }) => [role, tensorShape]));
  const ofModel = names.filter(({ inLayers }) => !inLayers).map(({ gguf }) => `${gguf}.weight`);
  const ofLayers = names.filter(({ inLayers }) => inLayers);
  const roles = [...ofModel];
  for (let i = 0; i < hyper.nLayers; i++) roles.push(...ofLayers.map(({ gguf }) => `blk.${i}.${gguf}.weight`));
  for (const role of roles) {
    const shape = shapes.get(role);
    if (shape !== undefined) yield [metaName(names, role) ?? role, shape];
  }
}
