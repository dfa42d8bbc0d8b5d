import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { packRows, packStats, unpackRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { createErrorSum } from "../../src/commands/quantize-stats/error-stats.ts";
import { worstPicture } from "../../src/commands/quantize-stats/picture.ts";
import { type StatsRow, statsReport } from "../../src/commands/quantize-stats/report.ts";
import { tinyGguf } from "../gguf-model.ts";
import { writeGgjt } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

async function tinyFile(type: "f16" | "q4_0" = "f16"): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel(type));
  return path;
}

/** Test noise of a fixed seed, (n). */
function noise(n: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

const NO_PLACE = join(import.meta.dirname, "missing", "worst.svg");

describe("errors added up", () => {
  const levels = new Float64Array(16);

  test("are those that @ll/quant counts for all values at once", () => {
    const values = noise(32 * 50);
    const sum = createErrorSum();
    for (let i = 0; i < values.length; i += 320) {
      const piece = values.subarray(i, i + 320);
      const packed = packRows("q4_0", piece);
      sum.add(piece, unpackRows("q4_0", packed), packStats("q4_0", piece, packed).histogram);
    }
    const expected = packStats("q4_0", values, packRows("q4_0", values));
    const stats = sum.stats();
    // the same numbers are added in another grouping
    expect(stats.rmse).toBeCloseTo(expected.rmse, 12);
    expect(stats.maxError).toBe(expected.maxError);
    expect(stats.levels).toEqual(Array.from(expected.histogram));
    expect(stats.n).toBe(values.length);
  });

  test("quantiles and octaves of errors that are known", () => {
    const sum = createErrorSum();
    const errors = Float32Array.from([0, 0, 0.25, 0.25, 0.3, 0.5, 0.6, 1, 2, 3]);
    sum.add(errors, new Float32Array(10), levels);
    const { exact, octaves, median, p95, levels: none } = sum.stats();
    expect(exact).toBe(2);
    expect(octaves).toEqual([
      { below: 0.5, count: 3 },
      { below: 1, count: 2 },
      { below: 2, count: 1 },
      { below: 4, count: 2 },
    ]);
    // half of ten are at most 0.3, 95 of 100 at most 3: the upper edges of their buckets
    expect([median, p95]).toEqual([0.3125, 3.125]);
    expect(none).toBeUndefined();
  });

  propertyTest.prop([fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -4, max: 4 }), { minLength: 1 })])(
    "every value is counted once, and quantiles are in order",
    (list) => {
      const sum = createErrorSum();
      sum.add(Float32Array.from(list), new Float32Array(list.length), levels);
      const { n, exact, octaves, median, p95, maxError, rmse } = sum.stats();
      expect(exact + octaves.reduce((all, { count }) => all + count, 0)).toBe(n);
      expect(median).toBeLessThanOrEqual(p95);
      // equal errors: each of the n additions and the root round once, by 2^-53 of the value
      expect(rmse).toBeLessThanOrEqual(maxError * (1 + (n + 2) * 2 ** -53));
      // the upper edge of a bucket is at most a sixteenth above what is in it, for subnormal numbers 2^-130; the smallest count as zero
      expect(p95).toBeLessThanOrEqual(maxError * (1 + 1 / 16) + 2 ** -130);
    },
  );

  test("merging is adding", () => {
    const [a, b, both] = [createErrorSum(), createErrorSum(), createErrorSum()];
    const [x, y] = [noise(64, 2), noise(32, 3)];
    a.add(x, new Float32Array(64), levels);
    b.add(y, new Float32Array(32), levels);
    both.add(x, new Float32Array(64), levels);
    both.add(y, new Float32Array(32), levels);
    a.merge(b);
    expect(a.stats().octaves).toEqual(both.stats().octaves);
    expect(a.stats().rmse).toBeCloseTo(both.stats().rmse, 12); // another grouping of the same sum
  });
});

describe("the program", () => {
  test("tables: types, layers, worst tensors first", async () => {
    const { code, stdout, stderr } = await runHere("ll-quantize-stats", [
      await tinyFile(),
      "q4_0",
      "Q8_0",
      "--worst",
      "2",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "type       rmse  of weights   largest  95 % below     median
      q4_0   0.008763     8.620 %   0.08716     0.01563   0.006104
      q8_0  0.0005411     0.532 %  0.004074   0.0009766  0.0003815

      rmse of weights     q4_0     q8_0
      others           8.658 %  0.522 %
      layer 0          8.336 %  0.518 %
      layer 1          8.759 %  0.555 %
      layer 2          8.612 %  0.538 %
      layer 3          8.672 %  0.541 %
      layer 4          8.631 %  0.537 %
      layer 5          8.669 %  0.539 %

      worst tensors                             rmse  of weights  largest  95 % below    median
      layers.0.attention.wo.weight q4_0     0.004517    10.139 %  0.01624    0.008789  0.003540
      layers.1.feed_forward.w2.weight q4_0  0.006681     9.937 %  0.04666     0.01221  0.005127
      "
    `);
  });

  test("--json holds every tensor, with errors and distributions", async () => {
    const path = await tinyFile();
    const { stdout } = await runHere("ll-quantize-stats", [path, "q5_1", "--json"]);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(["version", "file", "types", "layers", "tensors"]);
    expect(report.tensors).toHaveLength(2 + 7 * 6);
    expect(report.layers.map(({ name }: StatsRow) => name)).toEqual([
      "others",
      ...[0, 1, 2, 3, 4, 5].map((i) => `layer ${i}`),
    ]);
    const count = (rows: readonly StatsRow[]): number => rows.reduce((sum, { n }) => sum + n, 0);
    expect(count(report.tensors)).toBe(count(report.types));
    expect(count(report.layers)).toBe(count(report.types));
    const largest = Math.max(...report.tensors.map(({ maxError }: StatsRow) => maxError));
    expect(report.types[0].maxError).toBe(largest);
    expect(report.types[0].levels).toHaveLength(16);
  });

  test("without types: all that fit; the others are named", async () => {
    const { stdout, stderr } = await runHere("ll-quantize-stats", [
      await tinyFile(),
      "--include",
      "layers.0.attention",
      "--json",
    ]);
    const types = JSON.parse(stdout).types.map(({ type }: StatsRow) => type);
    expect(types).toEqual(["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]);
    expect(stderr).toBe("no row of this model is a whole number of blocks of q2_K, q3_K, q4_K, q5_K, q6_K\n");
  });

  test("K types where rows are wide enough; a type that fits some tensors only counts those", async () => {
    const path = await writeGgjt(join(await temporaryDirectory(), "m.bin"), [
      { name: "wide.weight", shape: [2, 256], bytes: new Uint8Array(noise(512).buffer) },
      { name: "narrow.weight", shape: [2, 32], bytes: new Uint8Array(noise(64).buffer) },
    ]);
    const { stdout, stderr } = await runHere("ll-quantize-stats", [path, "q6_K", "q4_0", "--json"]);
    expect(stderr).toBe("");
    const report = JSON.parse(stdout);
    expect(report.tensors.map(({ name, type, n }: StatsRow) => `${name} ${type} ${n}`)).toEqual([
      "wide.weight q6_K 512",
      "wide.weight q4_0 512",
      "narrow.weight q4_0 64",
    ]);
    expect(report.tensors[0].levels).toBeUndefined();
  });

  test("a GGUF file: the same errors, under its own names", async () => {
    const path = join(await temporaryDirectory(), "m.gguf");
    await writeFile(path, await tinyGguf());
    const gguf = JSON.parse((await runHere("ll-quantize-stats", [path, "q4_0", "--json"])).stdout);
    const ggjt = JSON.parse((await runHere("ll-quantize-stats", [await tinyFile(), "q4_0", "--json"])).stdout);
    expect(gguf.layers).toEqual(ggjt.layers);
    expect(gguf.tensors.map(({ name }: StatsRow) => name)).toContain("blk.0.attn_q.weight");
  });

  test("--histogram draws errors and levels", async () => {
    const { stdout } = await runHere("ll-quantize-stats", [await tinyFile(), "q4_0", "--histogram"]);
    expect(stdout).toMatch(/\n *q4_0 errors +values\n +none +[\d,]+ {2}#\n/);
    expect(stdout).toMatch(/\nq4_0 levels +values\n +0 /);
  });

  test("--svg writes a picture, and not over the model", async () => {
    const path = await tinyFile();
    const svg = join(await temporaryDirectory(), "worst.svg");
    const { code, stderr } = await runHere("ll-quantize-stats", [path, "q4_0", "--svg", svg, "--worst", "3"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Wrote ${svg}\n` });
    const picture = await readFile(svg, "utf8");
    expect(picture.match(/<rect x=/g)).toHaveLength(3);
    expect(picture).toContain(">layers.0.attention.wo.weight</text>");
    expect((await runHere("ll-quantize-stats", [path, "q4_0", "--svg", path])).code).toBe(1);
  });

  test.each([
    ["a type that is none", ["q40"], 2, '"q40" is no type to quantise to\nDid you mean q4_0?'],
    ["a type of activations", ["q8_K"], 2, '"q8_K" is no type to quantise to'],
    ["a text in no name", ["--include", "nothing"], 1, "no matrix to measure in"],
    ["a picture with no place, before anything else", ["--include", "nothing", "--svg", NO_PLACE], 4, "cannot write"],
    ["no fitting type", ["q6_K"], 1, "none of the types fits this model"],
    ["no tensor to show", ["--worst", "0"], 2, "expected at least 1, got 0"],
  ])("%s is refused", async (_name, argv, code, message) => {
    const outcome = await runHere("ll-quantize-stats", [await tinyFile(), ...argv]);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toContain(message);
  });

  test("a quantised model is refused, and no model is a usage error", async () => {
    const { code, stderr } = await runHere("ll-quantize-stats", [await tinyFile("q4_0")]);
    expect(code).toBe(1);
    expect(stderr).toContain("tok_embeddings.weight is q4_0: errors can only be measured against f16 or f32\n");
    expect((await runHere("ll-quantize-stats", [])).code).toBe(2);
  });
});

describe("the picture", () => {
  test("shows names from the file as text, whatever is in them", () => {
    const sum = createErrorSum();
    sum.add(Float32Array.of(1, 2), Float32Array.of(1, 1), new Float64Array(16));
    const errors = new Map([["q4_0", sum]]);
    const report = statsReport("f", ["q4_0"], [{ name: "</text><script>\"'&\x1b", shape: [1, 2], errors }]);
    const picture = worstPicture("<model>", report.tensors);
    expect(picture).not.toContain("<script>");
    expect(picture).not.toContain("\x1b");
    expect(picture).toContain("&#60;/text&#62;&#60;script&#62;&#34;&#39;&#38;\\x1b");
  });

  test("of weights that are all zero has bars without length", () => {
    const sum = createErrorSum();
    sum.add(new Float32Array(2), new Float32Array(2), new Float64Array(16));
    const report = statsReport("f", ["q4_0"], [{ name: "a", shape: [1, 2], errors: new Map([["q4_0", sum]]) }]);
    expect(worstPicture("m", report.tensors)).toContain('width="0.0"');
  });
});
