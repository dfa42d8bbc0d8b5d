// What a user says in one turn: lines from the editor, or plain lines, until one says that the turn is over.

import type { RunParams } from "../../inference/params.ts";
import type { MainConsole } from "./console.ts";
import type { Interrupt } from "./interaction.ts";
import { readLine, readSimpleLine } from "./line-editor.ts";

/** Reads what the user says; an empty array if nothing, `undefined` at the end of input. */
export async function userTurn(
  params: RunParams,
  console: MainConsole,
  interrupt: Interrupt,
): Promise<Uint8Array | undefined> {
  if (params.instruct) console.print("\n> ");
  if (params.inputPrefix !== "") console.print(params.inputPrefix);
  let said = "";
  let endOfInput = false;
  interrupt.waiting = true;
  console.colour("user");
  for (let more = true; more; ) {
    const line = params.simpleIo
      ? await readSimpleLine(console, params.multilineInput)
      : await readLine(console, console, params.multilineInput);
    said += line.text;
    more = line.more;
    endOfInput = line.endOfInput;
  }
  interrupt.waiting = false;
  console.colour("default");
  if (said === "" && endOfInput) return undefined;

  const text = params.inputPrefix + said;
  // build 803 counts bytes, prefix included: it drops a one-letter answer and takes an empty line behind a prefix
  const isEmpty = params.compat ? Buffer.byteLength(text) <= 1 : said.trim() === "" && said.length <= 1;
  if (isEmpty) return new Uint8Array(0);
  if (params.inputSuffix !== "") console.print(params.inputSuffix);
  return new TextEncoder().encode(text + params.inputSuffix);
}
