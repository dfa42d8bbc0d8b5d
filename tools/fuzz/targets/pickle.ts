// Pickles as they are inside .pth files.

import { readPickle } from "@ll/checkpoint";
import { GADGETS } from "../../../packages/checkpoint/test/support/gadgets.ts";
import {
  BUILD,
  dict,
  EMPTY_LIST,
  EMPTY_SET,
  float,
  frame,
  get,
  global,
  int,
  long1,
  MEMOIZE,
  NEWOBJ,
  NONE,
  pickle,
  pickle4,
  put,
  REDUCE,
  STACK_GLOBAL,
  shortStr,
  str,
  TRUE,
  tensor,
  tuple,
} from "../../../packages/checkpoint/test/support/pickle-writer.ts";

const matrix = tensor({ storage: "HalfStorage", key: "0", numel: 6, shape: [2, 3] });

export const seeds: readonly Uint8Array[] = [
  pickle(dict([["a.weight", matrix]])),
  pickle(dict([["n", tuple(int(1), int(-1), int(70_000), long1(-5n, 3), float(0.5), NONE, TRUE, EMPTY_LIST)]])),
  pickle(global("collections", "OrderedDict"), tuple(), REDUCE, put(1), get(1), dict([]), BUILD),
  pickle(str("a"), put(300), EMPTY_SET, tuple(get(300), get(300)), tuple(), NEWOBJ),
  pickle4(frame(40), shortStr("collections"), MEMOIZE, shortStr("OrderedDict"), MEMOIZE, STACK_GLOBAL, tuple(), REDUCE),
  pickle(global("os", "system"), tuple(str("true")), REDUCE),
];
export const dictionary: readonly (string | Uint8Array)[] = [
  "ctorch._utils\n_rebuild_tensor_v2\n",
  "ctorch._utils\n_rebuild_parameter\n",
  "ctorch._tensor\n_rebuild_from_type_v2\n",
  "ctorch\nSize\n",
  "ctorch\nHalfStorage\n",
  "ccollections\nOrderedDict\n",
  ...GADGETS.map(([module, name]) => `c${module}\n${name}\n`),
  ...[0x80, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8c, 0x8d, 0x8f, 0x93, 0x94, 0x95].map((code) => Uint8Array.of(code)),
  ...["(", ".", "R", "b", "N", ")", "]", "}", "t", "a", "e", "s", "u", "Q", "q\0", "h\0", "K\x01", "0", "2", "i", "o"],
];

export function fuzz(data: Uint8Array): unknown {
  return readPickle(data);
}
