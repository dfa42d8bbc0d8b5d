import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixture } from "../../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../../tools/tiny-model.ts";
import { describeGoldenRuns } from "./golden-runs.ts";

const directory = await mkdtemp(join(tmpdir(), "ll-tiny-"));

describeGoldenRuns(fixture("tiny/golden/tiny-main.json"), [114, 4], async (type) => {
  const path = join(directory, `${type}.bin`);
  writeFileSync(path, await tinyModel(type as TinyType));
  return path;
});
