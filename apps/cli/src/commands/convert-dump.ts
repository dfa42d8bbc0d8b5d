// ll-convert --dump and --dump-single: what is in the files, on standard output, without converting anything.

import { printable, type SourceTensor } from "@ll/bytes";
import { openStoredTensors } from "@ll/checkpoint/node";
import { openGgufPath } from "@ll/gguf/node";
import { containerAt } from "@ll/model/node";
import type { ConvertArguments } from "./convert-arguments.ts";
import { openGgmlInput } from "./convert-inputs.ts";
import { pythonType } from "./convert-lines.ts";
import { type NotingIo, writeReport } from "./file-report.ts";

export async function dump(request: ConvertArguments, io: NotingIo): Promise<void> {
  if ((await containerAt(request.model)) === "gguf") return dumpGguf(request, io);
  const stored = await openStoredTensors(request.model, {
    single: request.mode === "dump-single",
    openGgml: openGgmlInput,
    onEvent(event) {
      if (event.kind === "loading-file") io.err.write(`Loading model file ${printable(event.path, 4200)}\n`);
    },
  });
  try {
    list(request, stored.files, stored.format, [...stored.storedTensors], pythonType, io);
  } finally {
    await stored.close();
  }
}

async function dumpGguf(request: ConvertArguments, io: NotingIo): Promise<void> {
  const file = await openGgufPath(request.model);
  try {
    for (const one of file.paths) io.err.write(`Loading model file ${printable(one, 4200)}\n`);
    const tensors = file.tensors.map((tensor) => [tensor.name, tensor] as const);
    list(request, file.paths, "gguf", tensors, (type) => type, io);
  } finally {
    await file.close();
  }
}

function list(
  { json }: ConvertArguments,
  files: readonly string[],
  format: string,
  tensors: readonly (readonly [string, Omit<SourceTensor, "name" | "read">])[],
  typeName: (type: string) => string,
  io: NotingIo,
): void {
  if (json) {
    const rows = tensors.map(([name, { shape, type, byteLength }]) => ({ name, type, shape, bytes: byteLength }));
    writeReport(io, { files, format, tensors: rows });
    return;
  }
  io.out.write(`model_plus.paths = [${files.map((path) => `'${printable(path, 4200)}'`).join(", ")}]\n`);
  io.out.write(`model_plus.format = '${format}'\n`);
  for (const [name, { shape, type, byteLength }] of tensors) {
    const facts = `shape=[${shape.join(", ")}] type=${typeName(type)}; ${byteLength} bytes`;
    io.out.write(`${printable(name, 512)}: ${facts}\n`);
  }
}
