// Trees of turns: what is shown is a path of them, whatever is added, removed or merged.

import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { flawOf, leafWithout, merge, newestLeaf, pathTo, subtreeOf, type TreeNode } from "../src/chat/tree.ts";

interface Node extends TreeNode {
  readonly updated: number;
}

/** Each turn follows one of those before it, or none. */
const tree = fc
  .array(fc.record({ parent: fc.nat(), created: fc.nat(5), updated: fc.nat(5) }), { maxLength: 30 })
  .map((list) => {
    const nodes = list.map(({ parent, created, updated }, i): Node => {
      const of = parent % (i + 1);
      return { id: `t${i}`, parent: of === i ? null : `t${of}`, created, updated };
    });
    return new Map(nodes.map((node) => [node.id, node]));
  });

const withOne = tree
  .filter((nodes) => nodes.size > 0)
  .chain((nodes) => fc.tuple(fc.constant(nodes), fc.constantFrom(...nodes.keys())));

describe("a tree", () => {
  test.prop([withOne])("has a path to each turn: from a first one, each behind its parent", ([nodes, id]) => {
    const path = pathTo(nodes, id);
    expect(path.at(-1)?.id).toBe(id);
    expect(path.map(({ parent }) => parent)).toEqual([null, ...path.slice(0, -1).map((node) => node.id)]);
  });

  test.prop([withOne])("leads from each turn to a leaf behind it", ([nodes, id]) => {
    const leaf = newestLeaf(nodes, id);
    expect(pathTo(nodes, leaf).map((node) => node.id)).toContain(id);
    expect([...nodes.values()].some(({ parent }) => parent === leaf)).toBe(false);
  });

  test.prop([withOne])("stays one when a turn goes with what follows, and shows what is left", ([nodes, id]) => {
    const gone = new Set(subtreeOf(nodes, id).map((node) => node.id));
    const rest = new Map([...nodes].filter(([key]) => !gone.has(key)));
    expect(flawOf(rest)).toBeUndefined();
    const leaf = leafWithout(nodes, id);
    if (leaf !== null) expect(rest.has(leaf)).toBe(true);
    const { parent } = nodes.get(id) as Node;
    expect(pathTo(rest, leaf).map((node) => node.id)).toEqual(expect.arrayContaining(parent === null ? [] : [parent]));
  });

  test.prop([tree, tree])("merges: all turns of both, of each the one that was written last", (one, other) => {
    const merged = merge(one, other);
    expect(new Set(merged.keys())).toEqual(new Set([...one.keys(), ...other.keys()]));
    for (const [id, { updated }] of merged) {
      expect(updated).toBe(Math.max(one.get(id)?.updated ?? 0, other.get(id)?.updated ?? 0));
    }
  });

  test.prop([withOne])("is none with a circle, or with a turn behind one that is not there", ([nodes, id]) => {
    expect(flawOf(nodes)).toBeUndefined();
    const node = nodes.get(id) as Node;
    const below = subtreeOf(nodes, id).at(-1) as Node;
    expect(flawOf(new Map([...nodes, [id, { ...node, parent: below.id }]]))).toMatch(/follows itself/);
    expect(flawOf(new Map([...nodes, [id, { ...node, parent: "gone" }]]))).toMatch(/not there/);
    const circle = new Map([...nodes, [id, { ...node, parent: below.id }]]);
    expect(pathTo(circle, id).length).toBeLessThanOrEqual(circle.size); // ends
    expect(newestLeaf(circle, id)).toBeTruthy();
  });
});
