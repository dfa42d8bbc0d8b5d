// The allow-list of names and what REDUCE makes of them. A name is matched as an exact pair (module, name) and stands for
// itself only: REDUCE checks the arguments and builds a plain record, whatever the name means to Python.

import { EXPANDED_ELEMENTS, RANK } from "./limits.ts";
import type { PickleMachine } from "./pickle-machine.ts";
import {
  isKind,
  kindOf,
  type PickleGlobal,
  type PickleStorage,
  type PickleTensor,
  type PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";
import { countElements } from "./source-tensor.ts";

/** Classes of the torch module that say what the elements of a storage are. */
const STORAGES: readonly (readonly [name: string, elementType: string])[] = [
  ["FloatStorage", "f32"],
  ["HalfStorage", "f16"],
  ["BFloat16Storage", "bf16"],
  ["IntStorage", "i32"],
  ["LongStorage", "i64"],
  ["ShortStorage", "i16"],
  ["CharStorage", "i8"],
  ["ByteStorage", "u8"],
  ["BoolStorage", "bool"],
  ["DoubleStorage", "f64"],
];

/** Everything that a pickle may name. */
export const GLOBALS: readonly PickleGlobal[] = [
  { kind: "global", module: "collections", name: "OrderedDict", role: "ordered-dict" },
  ...STORAGES.map(([name, elementType]): PickleGlobal => {
    return { kind: "global", module: "torch", name, role: "storage", elementType };
  }),
  { kind: "global", module: "torch", name: "Size", role: "size" },
  { kind: "global", module: "torch", name: "Tensor", role: "tensor-type" },
  { kind: "global", module: "torch._utils", name: "_rebuild_tensor_v2", role: "rebuild-tensor" },
  { kind: "global", module: "torch._utils", name: "_rebuild_parameter", role: "rebuild-parameter" },
  { kind: "global", module: "torch._tensor", name: "_rebuild_from_type_v2", role: "rebuild-from-type" },
];

// a line feed cannot be part of a name that has exactly one in its key, so two different pairs never share a key
const ALLOWED: ReadonlyMap<string, PickleGlobal> = new Map(
  GLOBALS.map((global) => [`${global.module}\n${global.name}`, global]),
);

/** @throws `E_GLOBAL` for every pair that is not on the allow-list. */
export function findGlobal(machine: PickleMachine, module: string, name: string): PickleGlobal {
  const found = ALLOWED.get(`${module}\n${name}`);
  if (found === undefined) {
    throw machine.error("E_GLOBAL", `pickle refers to ${module}.${name}, which is not on the allow-list`, {
      expected: "a name that a tensor needs",
      got: `${module}.${name}`,
    });
  }
  return found;
}

/** The record that stands for `callable(*args)`. @throws `E_PICKLE_TYPE`, `E_ARGS`, `E_STORAGE` or `E_AMPLIFY`. */
export function reduce(machine: PickleMachine, callable: PickleValue, args: PickleValue): PickleValue {
  if (!isKind(callable, "global")) throw machine.typeError("a name of the allow-list", callable);
  if (!isKind(args, "tuple")) throw machine.typeError("a tuple of arguments", args);
  const { items } = args;
  switch (callable.role) {
    case "ordered-dict":
      // torch fills it with SETITEMS afterwards
      if (items.length !== 0) throw argsError(machine, callable, "no arguments", items);
      return { kind: "dict", entries: new Map() };
    case "rebuild-tensor":
      return rebuildTensor(machine, callable, items);
    case "rebuild-parameter": {
      // a parameter is its tensor with a flag for training
      const [tensor] = items;
      if (items.length !== 3 || !isKind(tensor, "tensor")) {
        throw argsError(machine, callable, "(tensor, bool, hooks)", items);
      }
      return tensor;
    }
    case "rebuild-from-type":
      return rebuildFromType(machine, callable, items);
    case "size": {
      // torch.Size is a tuple by another name
      const [sizes] = items;
      // the length is asked first: one long tuple can be looked at again and again
      if (items.length !== 1 || !isKind(sizes, "tuple") || sizes.items.length > RANK || !sizes.items.every(isCount)) {
        throw argsError(machine, callable, "(tuple of counts,)", items);
      }
      return sizes;
    }
    default:
      // storage classes and torch.Tensor are only ever arguments
      throw argsError(machine, callable, "never to be called", items);
  }
}

/** `_rebuild_from_type_v2(func, type, args, state)`: func(*args), for the two functions that make tensors. */
function rebuildFromType(machine: PickleMachine, callable: PickleGlobal, items: readonly PickleValue[]): PickleValue {
  const [func, type, args] = items;
  const rebuilds = isKind(func, "global") && (func.role === "rebuild-tensor" || func.role === "rebuild-parameter");
  const isTensorType = isKind(type, "global") && type.role === "tensor-type";
  if (items.length !== 4 || !rebuilds || !isTensorType || !isKind(args, "tuple")) {
    throw argsError(machine, callable, "(rebuild function, torch.Tensor, tuple, state)", items);
  }
  return reduce(machine, func, args);
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata])` */
function rebuildTensor(machine: PickleMachine, callable: PickleGlobal, items: readonly PickleValue[]): PickleTensor {
  const [storage, elementIndex, size, stride, requiresGrad] = items;
  if (
    (items.length !== 6 && items.length !== 7) ||
    !isKind(storage, "storage") ||
    !isCount(elementIndex) ||
    !isKind(size, "tuple") ||
    !isKind(stride, "tuple") ||
    size.items.length !== stride.items.length ||
    size.items.length > RANK ||
    typeof requiresGrad !== "boolean"
  ) {
    throw argsError(machine, callable, "(storage, offset, size, stride, bool, hooks[, metadata])", items);
  }
  const shape = counts(machine, callable, size);
  const strides = counts(machine, callable, stride);
  assertInside(machine, storage, elementIndex, shape, strides);
  return { kind: "tensor", storage, elementIndex, shape, strides };
}

/** @throws `E_AMPLIFY` if the tensor repeats its storage too often, `E_STORAGE` if it reaches past it. */
function assertInside(
  machine: PickleMachine,
  storage: PickleStorage,
  elementIndex: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  const nElements = countElements(shape);
  if (nElements === 0) return;
  if (nElements === undefined || nElements > storage.nElements + EXPANDED_ELEMENTS) {
    throw machine.error("E_AMPLIFY", "a tensor has far more elements than its storage", {
      expected: `at most ${storage.nElements + EXPANDED_ELEMENTS}`,
      got: shape.join(" x "),
    });
  }
  // exact: sizes and strides are below 2^53, their products need not be
  const last = shape.reduce((sum, n, i) => sum + BigInt(n - 1) * BigInt(strides[i] as number), BigInt(elementIndex));
  if (last >= BigInt(storage.nElements)) {
    throw machine.error("E_STORAGE", `a tensor reaches past the end of storage "${storage.key}"`, {
      expected: `at most element ${storage.nElements - 1}`,
      got: last.toString(),
    });
  }
}

/** The items of a tuple of sizes or strides. */
function counts(machine: PickleMachine, callable: PickleGlobal, tuple: PickleTuple): number[] {
  return tuple.items.map((item) => {
    if (!isCount(item)) throw argsError(machine, callable, "sizes and strides of 0 or more", tuple.items);
    return item;
  });
}

/** An integer from 0 to 2^53 − 1. `BININT` and `LONG1` give integers only; `BINFLOAT` gives other numbers as well. */
export function isCount(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Shows the kinds of the arguments, not their values, which can be anything. */
function argsError(machine: PickleMachine, callable: PickleGlobal, expected: string, items: readonly PickleValue[]) {
  const got = `(${items.slice(0, 8).map(kindOf).join(", ")})`;
  return machine.error("E_ARGS", `wrong arguments for ${callable.module}.${callable.name}`, { expected, got });
}
