import { expect, test } from "vitest";
import type { Io } from "../../../src/command.ts";
import { createLiveLine } from "../../../src/commands/chat/live-line.ts";
import { term } from "../../../src/terminal.ts";
import { captured } from "../../programs.ts";

/** A terminal of 20 columns, on which both streams are shown. */
function screen({
  outTty = true,
  errTty = true,
  env = {},
}: {
  outTty?: boolean;
  errTty?: boolean;
  env?: Io["env"];
} = {}) {
  const out = captured(outTty);
  const err = captured(errTty);
  out.columns = 20;
  err.columns = 20;
  const shared: string[] = [];
  for (const stream of [out, err]) {
    const write = stream.write;
    stream.write = (data) => {
      shared.push(String(data));
      write(data);
    };
  }
  let ms = 0;
  const live = createLiveLine({ out: term(out), err: term(err), env }, "auto", () => ms);
  const wait = (more: number): void => {
    ms += more;
  };
  return { live, out, err, wait, all: () => shared.join("") };
}

test("the speed stands behind the text and goes before more text comes", () => {
  const { live, all } = screen({ env: { NO_COLOR: "1" } });
  live.text("Hi");
  live.status("9 t/s");
  live.text(" you");
  live.clear();
  expect(all()).toBe("Hi  9 t/s\x1b[7D\x1b[K you");
});

test("is dim where colours are wanted", () => {
  const { live, all } = screen();
  live.status("9 t/s");
  expect(all()).toBe("\x1b[2m  9 t/s\x1b[0m\x1b[7D");
});

test("ten times a second at most", () => {
  const { live, err, wait } = screen({ env: { NO_COLOR: "1" } });
  live.status("1");
  wait(99);
  live.status("2");
  wait(1);
  live.status("3");
  expect(err.text()).toBe("  1\x1b[3D\x1b[K  3\x1b[3D");
});

test("not where it would not fit on the line, which is counted in columns", () => {
  const { live, err } = screen({ env: { NO_COLOR: "1" } });
  live.text("好好好好好好好\t"); // 14 columns, and on to the next stop at 16
  live.status("12");
  expect(err.text()).toBe("");
  live.text("ab\nc\x07d"); // a control character takes no column
  live.status("12");
  expect(err.text()).toBe("  12\x1b[4D");
});

test("a line that is full goes on in the next one", () => {
  const { live, err } = screen({ env: { NO_COLOR: "1" } });
  live.text("x".repeat(23));
  live.status("12");
  expect(err.text()).toBe("  12\x1b[4D");
});

test("nothing is shown where there is no terminal, or a dumb one; the text is", () => {
  for (const options of [{ errTty: false }, { env: { TERM: "dumb" } }]) {
    const { live, out, err } = screen(options);
    live.text("a");
    live.status("9 t/s");
    live.clear();
    expect([out.text(), err.text()]).toEqual(["a", ""]);
  }
});

test("with the text in a file, the speed alone is on the terminal", () => {
  const { live, out, err } = screen({ outTty: false, env: { NO_COLOR: "1" } });
  live.text("x".repeat(100));
  live.status("9 t/s");
  live.clear();
  expect(out.text()).toBe("x".repeat(100));
  expect(err.text()).toBe("  9 t/s\x1b[7D\x1b[K");
});
