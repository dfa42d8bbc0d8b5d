// A conversation is a tree: editing and regenerating add siblings, so nothing that was generated is lost. One path of it is shown, the one
// that ends in its leaf.

export interface TreeNode {
  readonly id: string;
  /** null for a first turn. */
  readonly parent: string | null;
  /** Milliseconds since 1970; siblings are in this order. */
  readonly created: number;
}

export type Tree<Node extends TreeNode = TreeNode> = ReadonlyMap<string, Node>;

/** From the first turn to `leaf`; empty for one that is not there. */
export function pathTo<Node extends TreeNode>(tree: Tree<Node>, leaf: string | null): Node[] {
  const path: Node[] = [];
  const seen = new Set<string>();
  let id = leaf;
  while (id !== null && !seen.has(id)) {
    const node = tree.get(id);
    if (node === undefined) break;
    seen.add(id);
    path.push(node);
    id = node.parent;
  }
  return path.reverse();
}

/** What follows each turn directly, the oldest first; `null` has the first turns. */
export function childrenByParent<Node extends TreeNode>(tree: Tree<Node>): Map<string | null, Node[]> {
  const children = new Map<string | null, Node[]>();
  for (const node of tree.values()) {
    const known = children.get(node.parent);
    if (known === undefined) children.set(node.parent, [node]);
    else known.push(node);
  }
  for (const nodes of children.values()) nodes.sort(byAge);
  return children;
}

/** The newest turn that can be reached from `id` by always taking the newest; `id` itself if nothing follows. */
export function newestLeaf(tree: Tree, id: string | null): string | null {
  const children = childrenByParent(tree);
  const seen = new Set<string>();
  let leaf = id;
  for (;;) {
    const next = children.get(leaf)?.at(-1);
    if (next === undefined || seen.has(next.id)) return leaf;
    seen.add(next.id);
    leaf = next.id;
  }
}

/** `id` and all that follows it. */
export function subtreeOf<Node extends TreeNode>(tree: Tree<Node>, id: string): Node[] {
  const children = childrenByParent(tree);
  const root = tree.get(id);
  const found = root === undefined ? [] : [root];
  for (const node of found) found.push(...(children.get(node.id) ?? []));
  return found;
}

/** The leaf to show when the subtree of `id` is gone: a sibling's, else the parent. */
export function leafWithout(tree: Tree, id: string): string | null {
  const node = tree.get(id);
  if (node === undefined) return null;
  const gone = new Set(subtreeOf(tree, id).map((one) => one.id));
  const rest = new Map([...tree].filter(([key]) => !gone.has(key)));
  const siblings = childrenOf(rest, node.parent);
  const sibling = siblings.findLast(({ created }) => created <= node.created) ?? siblings[0];
  return sibling === undefined ? node.parent : newestLeaf(rest, sibling.id);
}

/** Both trees; of a turn that is in both, the one that was written last. */
export function merge<Node extends TreeNode & { readonly updated: number }>(
  one: Tree<Node>,
  other: Tree<Node>,
): Map<string, Node> {
  const merged = new Map(one);
  for (const [id, node] of other) {
    const known = merged.get(id);
    if (known === undefined || known.updated < node.updated) merged.set(id, node);
  }
  return merged;
}

/** What keeps nodes from being a tree: a parent that is not there, a circle. undefined if nothing does. */
export function flawOf(tree: Tree): string | undefined {
  const sound = new Set<string>();
  for (const start of tree.values()) {
    const walked = new Set<string>();
    let node: TreeNode | undefined = start;
    while (node !== undefined && !sound.has(node.id)) {
      if (walked.has(node.id)) return `the turn ${start.id} follows itself`;
      walked.add(node.id);
      if (node.parent === null) break;
      const parent = tree.get(node.parent);
      if (parent === undefined) return `the turn ${node.id} follows ${node.parent}, which is not there`;
      node = parent;
    }
    for (const id of walked) sound.add(id);
  }
  return undefined;
}

function childrenOf<Node extends TreeNode>(tree: Tree<Node>, parent: string | null): Node[] {
  return [...tree.values()].filter((node) => node.parent === parent).sort(byAge);
}

function byAge(a: TreeNode, b: TreeNode): number {
  return a.created - b.created || (a.id < b.id ? -1 : 1);
}
