// Bad-input corpus, models in several files (PP17).

import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { concat } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { metaTensors, PARAMS_JSON } from "./support/tiny-model.ts";
import { type TensorData, torchFile } from "./support/torch-writer.ts";

describe("PP17 shards", () => {
  const whole = metaTensors();
  const isColumnSplit = (name: string) => /^tok_embeddings|attention\.wo\.|feed_forward\.w2\./.test(name);

  /** Every `n`-th slice, as Meta cuts its models. */
  function slice(index: number, n: number): Map<string, TensorData> {
    return new Map(
      [...whole].map(([name, data]): [string, TensorData] => {
        if (data.shape.length === 1) return [name, data];
        const [rows, columns] = data.shape as [number, number];
        const shape = isColumnSplit(name) ? [rows, columns / n] : [rows / n, columns];
        const rowBytes = data.bytes.length / rows;
        const cut = isColumnSplit(name)
          ? concat(
              ...Array.from({ length: rows }, (_, r) =>
                data.bytes.subarray(r * rowBytes + (index * rowBytes) / n, r * rowBytes + ((index + 1) * rowBytes) / n),
              ),
            )
          : data.bytes.subarray((index * rows * rowBytes) / n, ((index + 1) * rows * rowBytes) / n);
        return [name, { ...data, shape, bytes: cut }];
      }),
    );
  }
  const files = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`consolidated.0${i}.pth`, torchFile(slice(i, n))]));

  it("+ two files are one model", async () => {
    const checkpoint = await openCheckpoint(directoryWith({ ...files(2), "params.json": PARAMS_JSON }));
    for (const [name, data] of whole) expect(await readAll(checkpoint.tensor(name)!, 100)).toEqual(data.bytes);
    await checkpoint.close();
  });

  it("the files disagree in names", async () => {
    const less = slice(1, 2);
    less.delete("norm.weight");
    const model = { ...files(2), "consolidated.01.pth": torchFile(less), "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
    const swapped = { ...model, "consolidated.00.pth": torchFile(less), "consolidated.01.pth": torchFile(slice(1, 2)) };
    await expectRejected(() => openCheckpoint(directoryWith(swapped)), "E_SHARD");
  });

  it("the files disagree in shapes", async () => {
    const other = slice(1, 2).set("layers.0.attention.wq.weight", {
      type: "f32",
      shape: [4, 16],
      bytes: new Uint8Array(256),
    });
    const model = { ...files(2), "consolidated.01.pth": torchFile(other), "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("the files disagree in types", async () => {
    const f16 = metaTensors(undefined, "f16").get("norm.weight")!;
    const model = {
      ...files(2),
      "consolidated.01.pth": torchFile(slice(1, 2).set("norm.weight", f16)),
      "params.json": PARAMS_JSON,
    };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("file 01 of 02 is missing", async () => {
    const { "consolidated.00.pth": first } = files(2);
    const model = { "consolidated.00.pth": first!, "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("a file in the middle is missing", async () => {
    const { "consolidated.01.pth": _, ...rest } = files(2);
    const model = { ...rest, "consolidated.02.pth": rest["consolidated.00.pth"]!, "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });
});
