// ll-convert --dump and --dump-single: what is in the files, on standard output, without converting anything.

import { printable } from "@ll/bytes";
import { openStoredTensors } from "@ll/checkpoint/node";
import type { Io } from "../command.ts";
import type { ConvertArguments } from "./convert-arguments.ts";
import { pythonType } from "./convert-lines.ts";
import { openGgmlInput } from "./ggml-input.ts";

export async function dump(request: ConvertArguments, io: Io): Promise<void> {
  const stored = await openStoredTensors(request.model, {
    single: request.mode === "dump-single",
    openGgml: openGgmlInput,
    onEvent(event) {
      if (event.kind === "loading-file") io.err.write(`Loading model file ${printable(event.path, 4200)}\n`);
    },
  });
  try {
    io.out.write(`model_plus.paths = [${stored.files.map((path) => `'${printable(path, 4200)}'`).join(", ")}]\n`);
    io.out.write(`model_plus.format = '${stored.format}'\n`);
    for (const [name, { shape, type, byteLength }] of stored.storedTensors) {
      const facts = `shape=[${shape.join(", ")}] type=${pythonType(type)}; ${byteLength} bytes`;
      io.out.write(`${printable(name, 512)}: ${facts}\n`);
    }
  } finally {
    await stored.close();
  }
}
