// ll-batch quantize and convert: many files, each complete or absent, each to the byte what ll-quantize or ll-convert makes of it.

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import {
  type Command,
  ExitCode,
  flagRow,
  type Io,
  invalidParameter,
  type OptionSpec,
  type Program,
  readCommandLine,
  silentRow,
  UsageError,
  usageError,
  valueRow,
} from "@ll/cli/frame";
import { FILE_TERMS, type FileJob, fileRunner, type MadeFile } from "../files/runner.ts";
import { createJob, type JobParams } from "../jobs/job.ts";
import { cutList } from "../jobs/listed.ts";
import { openResults } from "../jobs/results.ts";
import { queueOption } from "../queue/options.ts";

interface FileParams extends JobParams {
  out: string;
  /** Of quantize: one file of each input for each of them. Of convert at most one. */
  types: string[];
  container: string | undefined;
}

type Row = OptionSpec<FileParams>;

const COMMON: readonly Row[] = [
  valueRow(
    "Output",
    ["--out", "-o"],
    "path",
    { placeholder: "DIR", help: "folder of the new files" },
    (p, { text }) => {
      p.out = text;
    },
  ),
  queueOption("let `ll-batch work --kind files` do it, on machines that share these folders: redis://HOST:PORT"),
  silentRow("nothing on standard error but errors"),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

function typeRow(name: `--${string}`, placeholder: string, help: string): Row {
  return valueRow("Work", [name], "text", { placeholder, help }, (p, { text, option }) => {
    const types = text.split(",");
    if (types.some((type) => !/^\w+$/.test(type)))
      throw invalidParameter(option, `expected ${placeholder}, got ${text}`);
    p.types = types;
  });
}

export const QUANTIZE_OPTIONS: readonly Row[] = [
  typeRow("--types", "T,T,…", "types of the new files, as ll-quantize knows them"),
  ...COMMON,
];

export const CONVERT_OPTIONS: readonly Row[] = [
  typeRow("--outtype", "T", "type of the weights, as ll-convert knows it"),
  valueRow(
    "Work",
    ["--container"],
    "text",
    { placeholder: "KIND", help: "gguf or ggjt", default: "gguf", choices: ["gguf", "ggjt"] },
    (p, { text, option }) => {
      if (text !== "gguf" && text !== "ggjt") throw invalidParameter(option, `expected gguf or ggjt, got ${text}`);
      p.container = text;
    },
  ),
  ...COMMON,
];

const KEPT =
  "Files appear when they are complete. What is done is kept in DIR until all is, and a run that was interrupted or killed goes on with the " +
  "same command. Prints the paths of the new files.";

const QUANTIZE: Program<FileParams> = {
  examples: ["model-f16.gguf --types q4_k_m,q8_0 --out quantised", "*.bin --types q4_0 --out quantised"],
  usage: "[options] FILE… --types T,T,… --out DIR",
  description: `Quantises many files into many types, each as ll-quantize does: STEM-TYPE.gguf or .bin in DIR. ${KEPT}`,
  options: QUANTIZE_OPTIONS,
  paths: Number.POSITIVE_INFINITY,
};

const CONVERT: Program<FileParams> = {
  examples: ["checkpoints/a checkpoints/b --out models", "checkpoints/* --outtype f16 --out models"],
  usage: "[options] MODEL… --out DIR",
  description: `Converts many models, each as ll-convert does: NAME.gguf or .bin in DIR. ${KEPT}`,
  options: CONVERT_OPTIONS,
  paths: Number.POSITIVE_INFINITY,
};

export const quantizeFilesCommand: Command = async (bin, argv, io) => {
  const given = await read(QUANTIZE, bin, argv, io);
  if (given === undefined) return ExitCode.ok;
  const { inputs, params } = given;
  if (params.types.length === 0) throw usageError(QUANTIZE, bin, "expected --types");
  const jobs = inputs.flatMap(({ path, input }) =>
    params.types.map((type): FileJob => {
      const ending = extname(path);
      // model-f16.gguf becomes model-q4_0.gguf
      const stem = basename(path, ending).replace(/[-.](?:bf16|f16|f32)$/i, "");
      const output = join(params.out, `${stem}-${type}${ending}`);
      return { program: "ll-quantize", argv: ["--no-progress", path, output, type], output, input };
    }),
  );
  return makeAll("quantize", jobs, params, io);
};

export const convertFilesCommand: Command = async (bin, argv, io) => {
  const given = await read(CONVERT, bin, argv, io);
  if (given === undefined) return ExitCode.ok;
  const { inputs, params } = given;
  const { types, container = "gguf" } = params;
  if (types.length > 1) throw usageError(CONVERT, bin, "expected one --outtype");
  const options = ["--no-progress", "--container", container, ...types.flatMap((type) => ["--outtype", type])];
  const jobs = inputs.map(({ path, input }): FileJob => {
    const name = basename(resolve(path)).replace(/\.(?:gguf|bin|pth|safetensors)$/i, "");
    const output = join(params.out, `${name}.${container === "gguf" ? "gguf" : "bin"}`);
    return { program: "ll-convert", argv: [...options, "--outfile", output, path], output, input };
  });
  return makeAll("convert", jobs, params, io);
};

interface Given {
  readonly params: FileParams;
  readonly inputs: readonly { readonly path: string; readonly input: FileJob["input"] }[];
}

/** @throws UsageError; what the system says of a file that is not there */
async function read(
  program: Program<FileParams>,
  bin: string,
  argv: readonly string[],
  io: Io,
): Promise<Given | undefined> {
  const params: FileParams = {
    out: "",
    types: [],
    container: undefined,
    queue: undefined,
    quiet: false,
    progress: true,
  };
  const line = await readCommandLine(program, bin, argv, params, io);
  if (line === undefined) return undefined;
  if (line.positionals.length === 0) throw usageError(program, bin, "expected files");
  if (!(await stat(params.out).catch(() => undefined))?.isDirectory()) {
    throw usageError(program, bin, `--out expected a folder that is there, got '${params.out}'`);
  }
  const inputs = line.positionals.map(async (path) => {
    const { size, mtimeMs } = await stat(path);
    return { path: resolve(path), input: { bytes: size, changed: mtimeMs } };
  });
  return { params: { ...params, out: resolve(params.out) }, inputs: await Promise.all(inputs) };
}

async function makeAll(kind: string, jobs: readonly FileJob[], params: FileParams, io: Io): Promise<number> {
  const outputs = jobs.map(({ output }) => output);
  const twice = outputs.find((output, i) => outputs.indexOf(output) < i);
  if (twice !== undefined) throw new UsageError(`two files would be ${twice}`, "Name them so that they differ");
  const { version } = FILE_TERMS;
  const results = await openResults(join(params.out, `${kind}.ll-batch`), { kind, version, files: jobs.length });
  const { progress, work } = createJob(params, io, {
    ...{ kind: "files", terms: FILE_TERMS, fingerprint: FILE_TERMS.version, checkEvery: 0 },
    ...{ unit: "files", bytes: jobs.length, open: async () => fileRunner(io.env) },
  });
  try {
    const chunks = cutList(jobs, {
      ...{ kind, fingerprint: version, done: results.names, size: () => 1, unit: "file" },
      ...{ payload: (job) => job, bytes: () => 1, isKept: (some) => some.every(({ output }) => existsSync(output)) },
    });
    await work(chunks, results);
    progress.finish();
    let failed = 0;
    for await (const product of results.all()) {
      failed += product.failed;
      for (const line of product.text.trimEnd().split("\n")) {
        const { output, error } = JSON.parse(line) as MadeFile;
        if (error === undefined) io.out.write(`${output}\n`);
        else io.err.write(`${output}: ${error}\n`);
      }
    }
    await results.remove();
    return failed === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    progress.finish();
    await results.close();
  }
}
