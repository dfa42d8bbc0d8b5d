// model.safetensors.index.json: which tensor lies in which file.
//   {"metadata": {"total_size": bytes}, "weight_map": {tensor name: file name}}

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import { fieldError, openConfig, readText } from "./config-fields.ts";
import { CheckpointError } from "./errors.ts";
import { SHARDS } from "./limits.ts";
import type { CheckpointPart } from "./shards.ts";

export interface ShardIndex {
  /** Name of the index file, for errors. */
  readonly file: string;
  /** Tensor → the name of its file. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Names of the files, each once, sorted. */
  readonly files: readonly string[];
  /** Bytes of all tensors, if the index says so. */
  readonly totalBytes?: number;
}

/** @throws CheckpointError `E_PATH` for a name that could lead out of the directory, `E_SHARD` for too many files, … */
export async function readShardIndex(source: ByteSource, options: BudgetOptions = {}): Promise<ShardIndex> {
  const json = await openConfig(source, options);
  const weightMap = new Map<string, string>();
  const files = new Set<string>();
  let totalBytes: number | undefined;
  json.object((section) => {
    const kind = json.peek();
    if (section === "metadata" && kind === "object") {
      json.object((field) => {
        const value = json.read();
        if (field === "total_size" && value.kind === "number") totalBytes = Number(value.digits);
      });
    } else if (section === "weight_map") {
      if (kind !== "object") throw fieldError(json, "E_FIELD", section, "an object", json.read());
      json.object((tensor) => {
        const name = readText(json, `weight_map.${tensor}`) ?? "";
        if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) {
          throw fieldError(json, "E_PATH", `weight_map.${tensor}`, "a plain file name", { kind: "string", text: name });
        }
        weightMap.set(tensor, name);
        files.add(name);
        if (files.size > SHARDS) {
          const got = { kind: "number", digits: String(files.size) } as const;
          throw fieldError(json, "E_SHARD", "weight_map", `at most ${SHARDS} files`, got);
        }
      });
    } else {
      json.read();
    }
  });
  json.end();
  if (files.size === 0) throw shardError(source.name, "weight_map", "files", "none");
  const sorted = [...files].sort();
  return { file: source.name, weightMap, files: sorted, ...(totalBytes === undefined ? {} : { totalBytes }) };
}

/**
 * Holds the index against the opened files, `parts[i]` being `index.files[i]`.
 * @throws `E_SHARD` for a tensor that is not where the index says.
 */
export function assertIndexed(index: ShardIndex, parts: readonly CheckpointPart[]): void {
  const byName = new Map(index.files.map((name, i) => [name, parts[i]]));
  for (const [tensor, name] of index.weightMap) {
    if (!byName.get(name)?.tensors.has(tensor)) throw shardError(index.file, tensor, `in ${name}`, "not there");
  }
}

function shardError(file: string, field: string, expected: string, got: string): CheckpointError {
  const message = `${field}: ${expected} expected, ${got}`;
  return new CheckpointError({ code: "E_SHARD", file, offset: 0, field, expected, got, message });
}
