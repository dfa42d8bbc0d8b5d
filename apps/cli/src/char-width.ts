// Columns that a character takes in a terminal: what a line editor erases.

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff\u200b]$/u;

/** Emoji that terminals show as such. The letters of flags are one column each: two make a flag. */
const WIDE_EMOJI = /^(?![\u{1f1e6}-\u{1f1ff}])\p{Emoji_Presentation}$/u;

/** East Asian wide and fullwidth blocks, first and last code point (Unicode 15, EastAsianWidth.txt). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

/** 0, 1 or 2 columns. */
export function charWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  const code = character.codePointAt(0) ?? 0;
  const isWide = WIDE.some(([first, last]) => code >= first && code <= last) || WIDE_EMOJI.test(character);
  return isWide ? 2 : 1;
}
