// The project's own model, a checkpoint of 2.9 MB that lies beside the page. It is fetched when it is asked for.

import configUrl from "../../../../fixtures/tiny/hf/config.json?url";
import weightsUrl from "../../../../fixtures/tiny/hf/model.safetensors?url";
import tokenizerUrl from "../../../../fixtures/tiny/hf/tokenizer.model?url";
import type { PickedFile } from "./jobs.ts";

const FILES: readonly (readonly [name: string, url: string])[] = [
  ["config.json", configUrl],
  ["model.safetensors", weightsUrl],
  ["tokenizer.model", tokenizerUrl],
];

/** @throws TypeError if the host of the page does not have a file */
export function embeddedModel(): Promise<readonly PickedFile[]> {
  return Promise.all(
    FILES.map(async ([name, url]) => {
      const response = await fetch(url);
      if (!response.ok) throw new TypeError(`${url}: ${response.status} ${response.statusText}`);
      return { path: `tiny/${name}`, file: new File([await response.blob()], name) };
    }),
  );
}
