// Records docs/walk.md: the programs at work on the embedded model, from checkpoint to conversation, the conversation on a real
// terminal. Every run gives the same text: seeds are fixed, and times are left out.
//
//   node --conditions=@ll/source tools/record-walk.ts

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOnTerminal } from "./pseudo-terminal.ts";

const ROOT = join(import.meta.dirname, "..");
const BIN = join(ROOT, "apps", "cli", "src", "bin.ts");

/** Where the record lies. */
export const WALK_FILE: string = join(ROOT, "docs", "walk.md");

/** Of ll-chat. */
const PROMPT = /^> |without\): $/m;
const CTRL_D = "\x04";

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
  /** What a user types on a terminal, each line when the prompt of ll-chat has come. */
  readonly typed?: readonly string[];
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
    text: "What the file is, whether it runs here, and the memory that it takes.",
    command: ["ll-inspect", "q4_0.bin"],
    shown: [33, 1],
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
    title: "Ask",
    text: "The embedded model only knows how to tell stories, so its answers have not much to do with what is asked. In a pipe every line of standard input is a turn, and standard output has the answers only.",
    command: ["ll-chat", "q4_0.bin", "-s", "7", "--temp", "0.7", "-n", "60"],
    input: ["Tell me a story about a bird."],
  },
  {
    title: "Talk",
    text: "On a terminal there is a prompt. What stands behind `>` was typed; Ctrl-D leaves.",
    command: ["ll-chat", "q4_0.bin", "-s", "7", "--temp", "0.7", "-n", "60"],
    typed: ["Tell me a story about a bird.", "And then?", "/set temp 0", "How does it end?", "/save bird.json", CTRL_D],
  },
  {
    title: "Go on",
    text: "The saved conversation, resumed with the settings that it had. What no file holds yet can be saved on leaving.",
    command: ["ll-chat", "q4_0.bin", "--resume", "bird.json"],
    typed: ["Who was the friend?", "/hlep", "/exit", ""],
  },
];

/** The text of docs/walk.md, recorded anew. */
export async function recordWalk(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "ll-walk-"));
  try {
    mkdirSync(join(folder, "tiny"));
    const checkpoint = join(ROOT, "fixtures", "tiny", "meta");
    for (const name of readdirSync(checkpoint)) cpSync(join(checkpoint, name), join(folder, "tiny", name));
    const sections: string[] = [];
    for (const step of STEPS) sections.push(await section(step, folder));
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

async function section(step: Step, folder: string): Promise<string> {
  const { title, text, command, input = [], shown } = step;
  const output = step.typed === undefined ? run(step, folder) : await talk(command, step.typed, folder);
  const given = input.length === 0 ? "" : ` << end\n${input.join("\n")}\nend`;
  const session = `$ ${command.map(quoted).join(" ")}${given}\n${abridged(withoutTimes(output), shown)}`;
  return `## ${title}\n\n${text}\n\n\`\`\`text\n${session.trimEnd()}\n\`\`\`\n`;
}

/** A program of the sources as a command line. */
function words(command: readonly string[]): string[] {
  return [process.execPath, "--conditions=@ll/source", BIN, ...command];
}

/** No settings and no history of whoever runs this. */
function environment(folder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: folder };
}

/** Standard output and standard error as they come on one stream, or the first alone. */
function run({ command, input = [], streams }: Step, folder: string): string {
  const line = words(command).map(quoted).join(" ");
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", streams === "out" ? line : `${line} 2>&1`], {
    cwd: folder,
    env: { ...environment(folder), CI: "true" }, // which keeps progress lines away
    input: input.map((line) => `${line}\n`).join(""),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout.endsWith("\n") ? stdout : `${stdout}\n`;
}

/** What is on the terminal after a conversation. A terminal that cannot move its cursor shows neither speeds nor escapes. */
async function talk(command: readonly string[], typed: readonly string[], folder: string): Promise<string> {
  const program = startOnTerminal(words(command), { cwd: folder, env: { ...environment(folder), TERM: "dumb" } });
  for (const line of typed) {
    await program.sees(PROMPT);
    program.type(line === CTRL_D ? line : `${line}\n`);
  }
  const status = await program.ended();
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${program.output}`);
  return program.output.replaceAll("\r", "");
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

if (process.argv[1] === import.meta.filename) writeFileSync(WALK_FILE, await recordWalk());
