// The file type: what most tensors of a file are stored as. Advisory to the arithmetic, where every tensor's own type rules,
// but it decides which old files llama.cpp build 803 still takes.

import { fileType, fileTypeLabel, LAST_GGML_FILE_TYPE } from "@ll/architectures";
import type { BoundedReader } from "@ll/bytes";
import type { Container } from "./container.ts";
import { hyperParamOffset } from "./hyper-params.ts";

/** What most tensors with two dimensions are stored as in a file of this type; undefined for a type that ggml files do not have. */
export function ftypeTensorType(ftype: number): string | undefined {
  return ftype > LAST_GGML_FILE_TYPE ? undefined : fileType(ftype)?.tensorType;
}

/** ggjt v2 gave every quantised type but q8_0 another block layout (llama.cpp pull request 1405)… */
const V2_CHANGE = "https://github.com/ggerganov/llama.cpp/pull/1405";
/** …and ggjt v3 did it again to q4_0, q4_1 and q8_0 (pull request 1508). */
const V3_CHANGE = "https://github.com/ggerganov/llama.cpp/pull/1508";

/** File types before ggjt v2 that rest on no block layout, or on one whose change came later. */
const KEPT_BY_V2: ReadonlySet<number> = /* @__PURE__ */ new Set([0, 1, 7]);
const CHANGED_BY_V3: ReadonlySet<number> = /* @__PURE__ */ new Set([2, 3, 7]);
/** File types before ggjt v2 whose old blocks have a type here: q4_0_v1 and q4_1_v1. */
const OLD_BLOCKS: ReadonlySet<number> = /* @__PURE__ */ new Set([2, 3, 4]);

/** True for ggml, ggmf and ggjt v1. */
function isBeforeV2(container: Container): boolean {
  return container.magic !== "ggjt" || container.version < 2;
}

/**
 * Applies build 803's rules on version and file type, in its order.
 * @param oldBlocks also take files whose quantised tensors can be opened as q4_0_v1 and q4_1_v1.
 * @throws GgmlFormatError `E_VERSION` in the words of build 803; `E_FTYPE` for a type that does not exist.
 */
export function assertFtypeReadable(
  reader: BoundedReader,
  container: Container,
  ftype: number,
  oldBlocks: boolean,
): void {
  const isOld = isBeforeV2(container);
  const hasOldBlocks = isOld && oldBlocks && OLD_BLOCKS.has(ftype);
  const change =
    isOld && !KEPT_BY_V2.has(ftype)
      ? V2_CHANGE
      : (isOld || container.version < 3) && CHANGED_BY_V3.has(ftype)
        ? V3_CHANGE
        : undefined;
  const at = { offset: hyperParamOffset(container, "ftype"), field: "ftype" };
  if (change !== undefined && !hasOldBlocks) {
    throw reader.error({
      ...at,
      code: "E_VERSION",
      expected: `a file type whose blocks ${container.name} holds in today's layout`,
      got: `${ftype} (${fileTypeLabel(ftype)})`,
      message: `this format is no longer supported (see ${change})`,
      hint: "make the file again from the f16 model",
    });
  }
  if (ftypeTensorType(ftype) === undefined) {
    throw reader.error({
      ...at,
      code: "E_FTYPE",
      expected: "0 to 4 or 7 to 18",
      got: ftype,
      message: `unknown file type ${ftype}`,
    });
  }
}

/** Why a quantised tensor of this type id cannot be read in this container, or `undefined` if its blocks are today's. */
export function changedBlocks(container: Container, typeId: number): string | undefined {
  if (isBeforeV2(container)) return V2_CHANGE;
  return container.version < 3 && (typeId === 2 || typeId === 3 || typeId === 8) ? V3_CHANGE : undefined;
}
