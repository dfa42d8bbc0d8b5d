// The file type: what most tensors of a file are stored as. Advisory to the arithmetic, where every tensor's own type rules,
// but it decides which old files llama.cpp build 803 still takes.

import type { BoundedReader } from "@ll/bytes";
import type { Container } from "./container.ts";
import { hyperParamOffset } from "./hyper-params.ts";

interface Ftype {
  readonly label: string;
  /** Type of most tensors with two dimensions. */
  readonly tensorType: string;
}

/** Ids and labels of build 803; 5 and 6 were removed. */
const FTYPES: ReadonlyMap<number, Ftype> = /* @__PURE__ */ new Map([
  [0, { label: "all F32", tensorType: "f32" }],
  [1, { label: "mostly F16", tensorType: "f16" }],
  [2, { label: "mostly Q4_0", tensorType: "q4_0" }],
  [3, { label: "mostly Q4_1", tensorType: "q4_1" }],
  [4, { label: "mostly Q4_1, some F16", tensorType: "q4_1" }],
  [7, { label: "mostly Q8_0", tensorType: "q8_0" }],
  [8, { label: "mostly Q5_0", tensorType: "q5_0" }],
  [9, { label: "mostly Q5_1", tensorType: "q5_1" }],
  [10, { label: "mostly Q2_K", tensorType: "q2_K" }],
  [11, { label: "mostly Q3_K - Small", tensorType: "q3_K" }],
  [12, { label: "mostly Q3_K - Medium", tensorType: "q3_K" }],
  [13, { label: "mostly Q3_K - Large", tensorType: "q3_K" }],
  [14, { label: "mostly Q4_K - Small", tensorType: "q4_K" }],
  [15, { label: "mostly Q4_K - Medium", tensorType: "q4_K" }],
  [16, { label: "mostly Q5_K - Small", tensorType: "q5_K" }],
  [17, { label: "mostly Q5_K - Medium", tensorType: "q5_K" }],
  [18, { label: "mostly Q6_K", tensorType: "q6_K" }],
]);

/** As build 803 prints it after `ftype      = `, such as `mostly Q4_0`. */
export function ftypeLabel(ftype: number): string {
  return FTYPES.get(ftype)?.label ?? "unknown, may not work";
}

/** What most tensors with two dimensions are stored as in a file of this type. */
export function ftypeTensorType(ftype: number): string | undefined {
  return FTYPES.get(ftype)?.tensorType;
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
      got: `${ftype} (${ftypeLabel(ftype)})`,
      message: `this format is no longer supported (see ${change})`,
      hint: "make the file again from the f16 model",
    });
  }
  if (!FTYPES.has(ftype)) {
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
