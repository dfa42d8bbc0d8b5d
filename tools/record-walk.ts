// Records docs/walk.md: the programs at work on the embedded model, from checkpoint to conversation. Every run gives the same text: seeds
// are fixed, and times are left out.
//
//   node --conditions=@ll/source tools/record-walk.ts

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const BIN = join(ROOT, "apps", "cli", "src", "bin.ts");

/** Where the record lies. */
export const WALK_FILE: string = join(ROOT, "docs", "walk.md");

interface Step {
  readonly title: string;
  readonly text: string;
  /** Words of the command line. */
  readonly command: readonly string[];
  /** Lines of standard input. */
  readonly input?: readonly string[];
  /** Lines shown at the beginning and at the end; all, if absent. */
  readonly shown?: readonly [first: number, last: number];
  /** `out` leaves standard error away. */
  readonly streams?: "out";
}

const STEPS: readonly Step[] = [
  {
    title: "Convert",
    text: "A PyTorch checkpoint becomes a ggjt file with 16-bit weights. Standard output has only the path of that file.",
    command: ["ll-convert", "tiny", "--outfile", "f16.bin"],
    shown: [6, 4],
  },
  {
    title: "Quantise",
    text: "Each matrix is packed into blocks of 32 values; behind each, how often each of the 16 levels occurs.",
    command: ["ll-quantize", "f16.bin", "q4_0.bin", "q4_0"],
    shown: [10, 6],
  },
  {
    title: "How much was lost",
    text: "The same question for other types, before anything is written.",
    command: ["ll-quantize-stats", "f16.bin", "q4_0", "q5_1", "q8_0", "--worst", "3"],
  },
  {
    title: "Inspect",
    text: "What is in the file, and the memory that it takes.",
    command: ["ll-inspect", "q4_0.bin"],
    shown: [26, 1],
  },
  {
    title: "Tokenise",
    text: "The text as the model sees it.",
    command: ["ll-tokenize", "q4_0.bin", "--bos", "--pieces", " Once upon a time there was a little dog."],
  },
  {
    title: "Generate",
    text: "What `main` of llama.cpp did. What it says of the model and of its speed goes to standard error, which is left out here.",
    command: [
      "ll-main",
      "-m",
      "q4_0.bin",
      "-p",
      "Once upon a time there was a little dog.",
      "-n",
      "120",
      "-s",
      "3",
      "--temp",
      "0.7",
    ],
    streams: "out",
  },
  {
    title: "Talk",
    text: "The embedded model only knows how to tell stories, so this is no conversation with much sense in it. In a terminal there is a prompt; here, every line of standard input is a turn.",
    command: ["ll-chat", "q4_0.bin", "-s", "7", "--temp", "0.7", "-n", "60"],
    input: ["Tell me a story about a bird.", "And then?", "/save bird.json"],
  },
  {
    title: "Go on",
    text: "The saved conversation, resumed.",
    command: ["ll-chat", "q4_0.bin", "--resume", "bird.json"],
    input: ["Who was the friend?"],
  },
];

/** The text of docs/walk.md, recorded anew. */
export function recordWalk(): string {
  const folder = mkdtempSync(join(tmpdir(), "ll-walk-"));
  try {
    mkdirSync(join(folder, "tiny"));
    const checkpoint = join(ROOT, "fixtures", "tiny", "meta");
    for (const name of readdirSync(checkpoint)) cpSync(join(checkpoint, name), join(folder, "tiny", name));
    const sections = STEPS.map((step) => section(step, folder));
    return [
      "# A walk through the programs",
      "",
      "Recorded by `tools/record-walk.ts` with the embedded model, a LLaMA of 1.5 million weights that writes little stories. Times and",
      "speeds are left out, as `…`; all else is the same on every machine.",
      "",
      ...sections,
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function section({ title, text, command, input, shown, streams }: Step, folder: string): string {
  const lines = input ?? [];
  const output = run(command, lines, folder, streams);
  const typed = lines.length === 0 ? "" : ` << end\n${lines.join("\n")}\nend`;
  const session = `$ ${command.map(quoted).join(" ")}${typed}\n${abridged(withoutTimes(output), shown)}`;
  return `## ${title}\n\n${text}\n\n\`\`\`text\n${session.trimEnd()}\n\`\`\`\n`;
}

/** Standard output and standard error as they come on one stream, or the first alone. */
function run(command: readonly string[], input: readonly string[], folder: string, streams: "out" | undefined): string {
  const words = [process.execPath, "--conditions=@ll/source", BIN, ...command].map(quoted).join(" ");
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", streams === "out" ? words : `${words} 2>&1`], {
    cwd: folder,
    // no settings and no history of whoever runs this; CI keeps progress lines away
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, CI: "true" },
    input: input.map((line) => `${line}\n`).join(""),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout.endsWith("\n") ? stdout : `${stdout}\n`;
}

/** As a person would type it. */
function quoted(word: string): string {
  return /^[\w./=:@-]+$/.test(word) ? word : `"${word}"`;
}

/** Progress lines, which slow machines show, are about time too. */
function withoutTimes(output: string): string {
  return output
    .replace(/^\d+ % {2}.* {2}ETA .*\n/gm, "")
    .replace(/ *\d+\.\d+ ms/g, " … ms")
    .replace(/\d+\.\d+ (tokens )?per second/g, "… $1per second");
}

function abridged(output: string, shown: readonly [number, number] | undefined): string {
  const lines = output.trimEnd().split("\n");
  const [first, last] = shown ?? [lines.length, 0];
  const nLeftOut = lines.length - first - last;
  if (nLeftOut <= 0) return lines.join("\n");
  return [...lines.slice(0, first), `[… ${nLeftOut} lines …]`, ...lines.slice(lines.length - last)].join("\n");
}

if (process.argv[1] === import.meta.filename) writeFileSync(WALK_FILE, recordWalk());
