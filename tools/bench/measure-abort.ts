// How soon a long prompt can be stopped. Prints one line of JSON: for each time of the abort, the milliseconds until evaluate()
// has thrown. Arguments: {"ggjt", "nKvHeads", "ids", "abortAtMs"} as JSON.

import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, loadModel } from "@ll/llama";

const { ggjt, nKvHeads, ids, abortAtMs } = JSON.parse(process.argv.at(-1) as string);
const source = await openFileSource(ggjt);
const file = await openGgml(source);
const model = await loadModel(file, configFromGgml(file.hyperParams, { nKvHeads }));
const context = await model.createContext({ contextTokens: ids.length });

const waits: Record<string, number> = {};
for (const ms of abortAtMs) {
  const controller = new AbortController();
  let abortedAt = 0;
  setTimeout(() => {
    abortedAt = performance.now();
    controller.abort();
  }, ms);
  const outcome = await context.evaluate(ids, 0, { signal: controller.signal }).then(
    () => "finished",
    (error: Error) => error.name,
  );
  if (outcome !== "AbortError") throw new Error(`expected an AbortError, got: ${outcome}`);
  waits[`after ${ms} ms`] = performance.now() - abortedAt;
}
console.log(JSON.stringify(waits));
await model.dispose();
await source.close();
