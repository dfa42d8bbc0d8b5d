// A model's operations and tensors, from its config. Everything that an engine does follows from them.

import {
  ARCHITECTURES,
  type Architecture,
  type Graph,
  GraphBuilder,
  metaName,
  type TensorLookup,
} from "@ll/architectures";
import type { ModelConfig } from "./config.ts";
import { ModelError } from "./errors.ts";

/** @throws ModelError `E_UNSUPPORTED` for a family that is not there */
export function architectureOf(name: string, file?: string): Architecture {
  const found = ARCHITECTURES.find((architecture) => architecture.name === name);
  if (found !== undefined) return found;
  const expected = ARCHITECTURES.map((architecture) => architecture.name).join(", ");
  throw new ModelError({
    code: "E_UNSUPPORTED",
    file,
    field: "general.architecture",
    expected,
    got: name,
    message: `this kind of model is not supported: general.architecture is ${name}, expected ${expected}`,
  });
}

/** @param lookup default: the model has all tensors that have a name in ggml files, and no others that are optional */
export function graphOf(config: ModelConfig, lookup?: TensorLookup): Graph {
  const architecture = architectureOf(config.architecture);
  const builder = new GraphBuilder(lookup ?? { has: (role) => metaName(architecture.names, role) !== undefined });
  architecture.build(builder, config);
  return builder.graph;
}
