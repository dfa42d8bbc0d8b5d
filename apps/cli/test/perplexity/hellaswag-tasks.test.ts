import { describe, expect, test } from "vitest";
import { readTasks, selectTasks, type Task } from "../../src/commands/perplexity/hellaswag-tasks.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const SIX = "Tom: Tom had a ball.\n2 # the third\na\nb\nc\nd";

describe("readTasks", () => {
  test("six lines a task: story, index of the right ending, endings with a space in front", () => {
    const tasks = readTasks(bytes(`${SIX}\n${SIX.replace("2 #", "0")}`));
    expect(tasks).toHaveLength(2);
    const [first, second] = tasks as [Task, Task];
    expect(Buffer.from(first.story).toString()).toBe("Tom: Tom had a ball.");
    expect([first.right, second.right]).toEqual([2, 0]);
    expect(first.endings.map((ending) => Buffer.from(ending).toString())).toEqual([" a", " b", " c", " d"]);
  });

  test("a newline ends the last line, it begins none", () => {
    expect(readTasks(bytes(`${SIX}\n`))).toHaveLength(1);
    expect(readTasks(bytes(`${SIX}\n\n`))).toBeUndefined();
    expect(readTasks(bytes(""))).toEqual([]);
  });

  test("other numbers of lines are refused", () => {
    expect(readTasks(bytes(SIX.slice(0, -2)))).toBeUndefined();
  });

  test("an index that is no number is refused, with its line", () => {
    expect(() => readTasks(bytes(`${SIX}\n${SIX.replace("2 #", "x")}`))).toThrow(
      "line 8 of the tasks expected the index",
    );
  });
});

describe("selectTasks", () => {
  const tasks = (n: number): Task[] =>
    Array.from({ length: n }, (_, right) => ({ story: bytes(""), right, endings: [] }));
  const selected = (n: number, nTasks: number): number[] => selectTasks(tasks(n), nTasks).map(({ right }) => right);

  test("chooses what std::mt19937(1) and std::uniform_int_distribution of libstdc++ choose", () => {
    expect(selected(3, -1)).toEqual([1, 2, 0]);
    expect(selected(11, 400)).toEqual([4, 10, 7, 9, 0, 1, 3, 8, 2, 5, 6]);
    expect(selected(100, 12)).toEqual([41, 99, 71, 92, 0, 13, 30, 98, 15, 24, 9, 42]);
  });

  test("none, if none are wanted or there are none", () => {
    expect(selected(5, 0)).toEqual([]);
    expect(selected(0, 5)).toEqual([]);
  });
});
