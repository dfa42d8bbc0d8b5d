// ll-verify: model files held against their checksums. Its output is that of scripts/verify-checksum-models.py of llama.cpp
// build 803, but for "WRONG" where that script left a cell empty; it ended with 0 whatever it found, this program ends with 1 if
// anything is wrong.

import { stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { FormatError, IoError, printable } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import type { Command, Io } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { flagRow, jsonRow, quietRow } from "../../option-rows.ts";
import type { OptionSpec } from "../../option-table.ts";
import { type Program, readArguments, usageError } from "../../program.ts";
import { createProgress } from "../../progress.ts";
import { checkFile, type FileCheck } from "./check-file.ts";
import { MAX_SUMS_BYTES, parseSums, type SumsEntry } from "./sums-file.ts";

interface VerifyParams {
  compat: boolean;
  json: boolean;
  quiet: boolean;
  progress: boolean;
}

type CheckedEntry = SumsEntry & FileCheck;

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

export const VERIFY_OPTIONS: readonly OptionSpec<VerifyParams>[] = [
  jsonRow("one JSON object instead of the table"),
  quietRow("only the paths of files that are not valid"),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
  flagRow("Output", ["--compat"], "end with 0 whatever is wrong, as the script did", (params) => {
    params.compat = true;
  }),
];

const PROGRAM: Program<VerifyParams> = {
  examples: ["", "models/SHA256SUMS --json"],
  usage: "[options] [SHA256SUMS]",
  description: [
    "Holds files against the checksums in SHA256SUMS, whose paths count from the folder it is in: SHA-256, or MD5 as in Meta's",
    "checklist.chk, in the lines of sha256sum, md5sum or BSD. Without an argument:",
    "SHA256SUMS of the working directory. Ends with 0 if all are valid, with 1 if one is not.",
  ].join(" "),
  options: VERIFY_OPTIONS,
};

export const verifyCommand: Command = async (bin, argv, io) => {
  const params: VerifyParams = { compat: false, json: false, quiet: false, progress: true };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  if (positionals.length > 1) throw usageError(PROGRAM, bin, "more than one list given");
  const list = resolve(positionals[0] ?? "SHA256SUMS");
  const entries = parseSums(await readSums(list), list);
  const checked = await checkAll(dirname(list), entries, params, io);
  const ok = checked.every(({ status }) => status === "valid");
  if (params.quiet) io.out.write(invalidPaths(checked));
  else io.out.write(params.json ? reportJson(dirname(list), checked, ok) : table(checked, params.compat));
  return ok || params.compat ? ExitCode.ok : ExitCode.failed;
};

/** @throws Refusal if there is no list; FormatError; IoError */
async function readSums(list: string): Promise<string> {
  const source = await openFileSource(list).catch((error: unknown) => {
    const code = error instanceof IoError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
    throw code === "ENOENT" ? new Refusal(`Hash list file not found: ${list}`) : error;
  });
  try {
    const refuse = (code: string, message: string): FormatError => new FormatError({ code, file: list, message });
    if (source.byteLength > MAX_SUMS_BYTES) throw refuse("E_LIMIT", `a list of more than ${MAX_SUMS_BYTES} bytes`);
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw refuse("E_ENCODING", "not UTF-8: no list of checksums");
    }
  } finally {
    await source.close();
  }
}

async function checkAll(
  root: string,
  entries: readonly SumsEntry[],
  params: VerifyParams,
  io: Io,
): Promise<CheckedEntry[]> {
  const total = await totalBytes(root, entries);
  const progress = createProgress(io, { total, enabled: params.progress && !params.quiet });
  let done = 0;
  const checked: CheckedEntry[] = [];
  for (const entry of entries) {
    const path = `${root}${sep}${entry.path}`; // as the script shows it: nothing is normalised
    progress.finish(); // the line goes to the same terminal
    if (!params.json && !params.quiet) io.out.write(`Verifying the checksum of ${printable(path, 4096)}\n`);
    const check = await checkFile(path, entry, (bytes) => {
      done += bytes;
      progress.update(done, printable(entry.path, 200));
    });
    if (check.status === "unreadable") progress.line(printable(check.reason ?? "", 512));
    checked.push({ ...entry, ...check });
  }
  progress.finish();
  return checked;
}

async function totalBytes(root: string, entries: readonly SumsEntry[]): Promise<number> {
  const sizes = entries.map(async ({ path }) => (await stat(join(root, path)).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function invalidPaths(checked: readonly CheckedEntry[]): string {
  return checked.flatMap(({ path, status }) => (status === "valid" ? [] : [`${printable(path, 4096)}\n`])).join("");
}

/** What stands under "valid checksum"; the script left it empty for all but "V". */
const MARKS: Readonly<Record<FileCheck["status"], string>> = {
  valid: "V",
  mismatch: "WRONG",
  missing: "",
  unreadable: "unreadable",
};

/** The script's table. Its rows have spaces between the columns, its head has none. */
function table(checked: readonly CheckedEntry[], compat: boolean): string {
  const rows = checked.map(({ path, status }) => {
    const mark = compat && status !== "valid" ? "" : MARKS[status];
    const marks = [mark, status === "missing" ? "X" : ""];
    return `${padEnd(printable(path, 4096), 40)} ${marks.map((mark) => centred(mark, 20)).join(" ")}\n`;
  });
  const head = `${padEnd("filename", 40)}${centred("valid checksum", 20)}${centred("file missing", 20)}\n`;
  return `\n${head}${"-".repeat(80)}\n${rows.join("")}`;
}

function reportJson(root: string, checked: readonly CheckedEntry[], ok: boolean): string {
  const files = checked.map(({ path, status, algorithm, sum, found }) => ({
    path,
    status,
    expected: sum,
    [algorithm]: found ?? null,
  }));
  return `${JSON.stringify({ version: JSON_VERSION, root, ok, files }, null, 2)}\n`;
}

/** Python counts characters, not UTF-16 units. */
function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - [...text].length));
}

/** Python's format character `^`: of an odd rest, the larger half goes to the right. */
function centred(text: string, width: number): string {
  const rest = Math.max(0, width - [...text].length);
  const left = Math.floor(rest / 2);
  return " ".repeat(left) + text + " ".repeat(rest - left);
}
