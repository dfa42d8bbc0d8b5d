// `--simple-io`: lines as they come, for programs that hold the other end of the pipe.

import type { CharacterSource, InputLine } from "./line-editor.ts";

/** Reads one line. A last `/` submits without newline, a last `\` does what `multiline` does not; the end of input ends a line. */
export async function readSimpleLine(source: CharacterSource, multiline: boolean): Promise<InputLine> {
  let text = "";
  let character = await source.next();
  while (character !== undefined && character !== "\n") {
    text += character;
    character = await source.next();
  }
  const endOfInput = character === undefined;
  if (text === "" && endOfInput) return { text, more: false, endOfInput };
  if (text.endsWith("/")) return { text: text.slice(0, -1), more: false, endOfInput };
  const inverted = text.endsWith("\\");
  return { text: `${inverted ? text.slice(0, -1) : text}\n`, more: multiline !== inverted, endOfInput };
}
