// The worst tensors as a picture: one bar each, as long as the error is large beside the weights. An SVG file without scripts,
// fonts or anything else from outside.

import { printable } from "@ll/bytes";
import { relativeError, type StatsRow } from "./report.ts";

const WIDTH = 960;
const ROW_HEIGHT = 20;
const TOP = 64;
const LABEL_WIDTH = 360;
const BAR_WIDTH = 480;

/** Colours by the order in which types first appear; told apart by people who do not see all colours (Okabe and Ito 2008). */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];

/** @param rows worst first */
export function worstPicture(file: string, rows: readonly StatsRow[]): string {
  const types = [...new Set(rows.map(({ type }) => type))];
  const largest = Math.max(...rows.map(relativeError), Number.MIN_VALUE);
  const height = TOP + ROW_HEIGHT * rows.length + 16;
  const bars = rows.map((row, index) => {
    const y = TOP + ROW_HEIGHT * index;
    const share = relativeError(row);
    const length = ((BAR_WIDTH * share) / largest).toFixed(1);
    const colour = COLOURS[types.indexOf(row.type) % COLOURS.length] as string;
    return [
      text(LABEL_WIDTH - 8, y + 14, "end", printable(row.name, 48)),
      `<rect x="${LABEL_WIDTH}" y="${y + 3}" width="${length}" height="${ROW_HEIGHT - 6}" fill="${colour}"/>`,
      text(LABEL_WIDTH + Number(length) + 6, y + 14, "start", `${row.type} ${(100 * share).toFixed(3)} %`),
    ].join("\n");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, "start", `Worst tensors of ${printable(file, 100)}`),
    text(16, 44, "start", "root mean square error of quantisation, in percent of the root mean square weight"),
    ...bars,
    "</svg>",
    "",
  ].join("\n");
}

function text(x: number, y: number, anchor: "start" | "end", content: string): string {
  return `<text x="${Math.round(x)}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  const names = new Map([..."&<>\"'"].map((character) => [character, `&#${character.charCodeAt(0)};`]));
  return content.replace(/[&<>"']/g, (character) => names.get(character) as string);
}
