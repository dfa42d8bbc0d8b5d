// A symbolic pickle reader: it makes inert records of what a pickle says and never calls anything.

import { PICKLE_DEPTH, PICKLE_OPCODES, PICKLE_VALUES } from "./limits.ts";
import { PickleMachine, type PickleOptions } from "./pickle-machine.ts";
import { OPCODES } from "./pickle-opcodes.ts";
import type { PickleValue } from "./pickle-values.ts";

/**
 * Reads one pickle of protocol 2, 3 or 4 that fills `bytes`.
 * @throws CheckpointError `E_PICKLE_OP`, `E_GLOBAL`, `E_TRUNC`, `E_LIMIT`, …, at the offset of the operation.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): PickleValue {
  const machine = new PickleMachine(bytes, options);
  for (let count = 0; machine.result === undefined; count++) {
    const code = machine.nextOpcode();
    const opcode = OPCODES.get(code);
    if (opcode === undefined || opcode.protocol > Math.max(machine.protocol, 2)) {
      const got = opcode?.name ?? `0x${code.toString(16).padStart(2, "0")}`;
      throw machine.error("E_PICKLE_OP", `pickle opcode ${got} is not allowed`, { expected: "an allowed opcode", got });
    }
    machine.enter(opcode.name);
    if (count >= PICKLE_OPCODES) throw machine.limitError("opcodes", PICKLE_OPCODES);
    opcode.run(machine);
  }
  assertTree(machine, machine.result);
  return machine.result;
}

/** A container on the way from the root to the value being looked at. */
interface Level {
  readonly container: object;
  readonly children: readonly PickleValue[];
  next: number;
  /** Values at and below this one so far. */
  size: number;
}

/**
 * Walks over the result once, each container being opened once, without recursion.
 * @throws `E_CYCLE` for a container inside itself; `E_LIMIT` if the tree is too deep or, shared parts counted each time, too big.
 */
function assertTree(machine: PickleMachine, root: PickleValue): void {
  const finished = new Map<object, number>(); // container → its size
  const open = new Set<object>();
  const path: Level[] = [];

  const visit = (value: PickleValue): number => {
    machine.steps(1);
    const children = childrenOf(value);
    if (children === undefined) return 1;
    const container = value as object;
    const known = finished.get(container);
    if (known !== undefined) return known;
    if (open.has(container)) {
      throw machine.error("E_CYCLE", "a container holds itself", { expected: "a tree", got: "a cycle" });
    }
    if (path.length >= PICKLE_DEPTH) throw machine.limitError("depth", PICKLE_DEPTH);
    open.add(container);
    path.push({ container, children, next: 0, size: 1 });
    return 0; // added to its parent once it is finished
  };

  visit(root);
  for (let level = path.at(-1); level !== undefined; level = path.at(-1)) {
    if (level.next < level.children.length) {
      level.size += visit(level.children[level.next++] as PickleValue);
    } else {
      path.pop();
      open.delete(level.container);
      finished.set(level.container, level.size);
      const parent = path.at(-1);
      if (parent !== undefined) parent.size += level.size;
    }
    if (level.size > PICKLE_VALUES) throw machine.limitError("values", PICKLE_VALUES);
  }
}

/** What a container holds; undefined for anything that is none. */
function childrenOf(value: PickleValue): readonly PickleValue[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  switch (value.kind) {
    case "tuple":
    case "list":
      return value.items;
    case "dict":
      return [...value.entries.values()];
    default:
      return undefined;
  }
}
