// The programs that run a model, when its file is exchanged after the header was read.

import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { captured, runOn, temporaryDirectory } from "../programs.ts";

const PROGRAMS: readonly (readonly [bin: string, ...args: string[]])[] = [
  ["ll-main", "-p", "Once", "-n", "2"],
  ["ll-embedding", "-p", "Once"],
  ["ll-perplexity", "-p", "Once upon a time there was a little girl"],
];

test.each(PROGRAMS)("%s ends with E_CHANGED's exit code and says what happened", async (bin, ...args) => {
  const path = join(await temporaryDirectory(), "model.bin");
  writeFileSync(path, await tinyModel("q4_0"));
  writeFileSync(`${path}.other`, await tinyModel("f16"));
  const out = captured();
  const err = captured();
  const watched = {
    ...err,
    write(data: string | Uint8Array): void {
      err.write(data);
      // the line that ends the header: weights come next
      if (String(data).includes("mem required")) renameSync(`${path}.other`, path);
    },
  };
  const code = await runOn(bin, ["-m", path, "-t", "2", ...args], { out, err: watched, env: {} });
  expect(err.text()).toContain(`error loading model: ${path} changed while it was read`);
  expect([code, out.text()]).toEqual([4, ""]);
});
