// What is typed, put together from lines: a turn may have several.

/** Opens and closes a block of lines. */
const FENCE = '"""';

export interface InputLines {
  /** True while more lines belong to what was begun. */
  readonly isOpen: boolean;
  /** Takes a line without its end, or several that were pasted together. The whole input, if it ends with this line. */
  push(line: string): string | undefined;
  /** Gives up what was begun. */
  clear(): void;
}

/** A line that ends in `\` goes on with the next; lines between `"""` belong together. */
export function createInputLines(): InputLines {
  let lines: string[] = [];
  let isFenced = false;

  function finish(): string {
    const text = lines.join("\n");
    lines = [];
    isFenced = false;
    return text;
  }
  return {
    get isOpen() {
      return lines.length > 0 || isFenced;
    },
    push(line) {
      if (isFenced) {
        if (!line.endsWith(FENCE)) {
          lines.push(line);
          return undefined;
        }
        const last = line.slice(0, -FENCE.length);
        if (last !== "") lines.push(last);
        return finish();
      }
      const isPasted = line.includes("\n");
      if (lines.length === 0 && line.startsWith(FENCE) && !isPasted) {
        const first = line.slice(FENCE.length);
        isFenced = true;
        if (first.endsWith(FENCE)) {
          lines.push(first.slice(0, -FENCE.length));
          return finish();
        }
        if (first !== "") lines.push(first);
        return undefined;
      }
      if (line.endsWith("\\") && !isPasted) {
        lines.push(line.slice(0, -1));
        return undefined;
      }
      lines.push(line);
      return finish();
    },
    clear() {
      finish();
    },
  };
}
