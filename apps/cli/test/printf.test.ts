import { expect, test } from "vitest";
import { fixed, general, integer, scientific } from "../src/printf.ts";

// the texts are those of glibc's printf
test.each([
  [0.125, 8, 2, "    0.12"],
  [0.375, 8, 2, "    0.38"],
  [0.0625, 8, 3, "   0.062"],
  [0.1875, 8, 3, "   0.188"],
  [-0.125, 8, 2, "   -0.12"],
  [0.125 + 2 ** -55, 8, 2, "    0.13"],
  [0.5, 3, 0, "  0"],
  [1.5, 3, 0, "  2"],
  [2.675, 5, 2, " 2.67"],
  [15.625, 8, 2, "   15.62"],
  [123456.789, 8, 2, "123456.79"],
  [0, 5, 3, "0.000"],
])("%d as %%%d.%df is %j", (value, width, digits, text) => {
  expect(fixed(value, width, digits)).toBe(text);
});

test("integers are padded and never cut", () => {
  expect(integer(7, 4)).toBe("   7");
  expect(integer(12345, 4)).toBe("12345");
});

test.each([
  [1e-6, 1, "1.0e-06"],
  [5e-6, 1, "5.0e-06"],
  [12345, 2, "1.23e+04"],
  [1e-100, 0, "1e-100"],
])("%d as %%.%de is %j", (value, digits, text) => {
  expect(scientific(value, digits)).toBe(text);
});

test.each([
  [0, "0"],
  [1, "1"],
  [0.5, "0.5"],
  [1e-5, "1e-05"],
  [0.0001, "0.0001"],
  [10000, "10000"],
  [100000, "100000"],
  [999999.5, "1e+06"],
  [1e6, "1e+06"],
  [1234567, "1.23457e+06"],
  [0.333333333, "0.333333"],
])("%d as %%g is %j", (value, text) => {
  expect(general(value)).toBe(text);
});
