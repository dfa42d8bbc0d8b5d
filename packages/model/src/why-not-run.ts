// Why a model does not run here, from its header alone.

import { isFormatError, type TensorSource } from "@ll/bytes";
import { checkTensors, type ModelConfig } from "@ll/llama";

/**
 * @param assertTokenizer throws for a vocabulary that cannot be used
 * @returns one sentence; undefined if nothing speaks against it
 */
export function whyNotRun(
  source: TensorSource,
  config: () => ModelConfig,
  assertTokenizer: () => void,
): string | undefined {
  try {
    const [first] = source.names();
    if (first === undefined) return "it has a vocabulary and no weights";
    checkTensors(source, config());
    assertTokenizer();
    return undefined;
  } catch (error) {
    if (isFormatError(error)) return error.summary; // without the name of the file
    throw error;
  }
}
