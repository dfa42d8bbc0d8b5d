// What runs here, told by the families, the tokenizers and the types of weights themselves: docs/models.md, the short form in the README,
// and the table of the package of families.
//
//   node --conditions=@ll/source tools/what-runs.ts      writes them

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES } from "@ll/architectures";
import { BLOCK_TYPES, blockInfo, canPackGguf } from "@ll/quant";
import { VOCABULARY_KINDS } from "@ll/tokenizer";
import { PRE_TOKENIZER_NAMES, preTokenizer } from "../packages/tokenizer/src/byte-level/pretokenizers.ts";

const ROOT = join(import.meta.dirname, "..");
const START = "<!-- written by tools/what-runs.ts -->";
const END = "<!-- end -->";

/** Files that this makes, below the root. */
export const WRITTEN: readonly string[] = ["docs/models.md", "README.md", "packages/architectures/README.md"];

/** What one of the files has to be. */
export function written(path: string): string {
  if (path === "docs/models.md") return modelsPage();
  const before = readFileSync(join(ROOT, path), "utf8");
  return withBlock(before, path === "README.md" ? shortForm() : familyTable());
}

function withBlock(text: string, block: string): string {
  const start = text.indexOf(START);
  const end = text.indexOf(END, start);
  if (start < 0 || end < 0) throw new Error("no place for what tools/what-runs.ts writes");
  return `${text.slice(0, start + START.length)}\n\n${block}\n\n${text.slice(end)}`;
}

function modelsPage(): string {
  return `# What runs

${START}

Model files of these families run, in GGUF files of any type of weights below. \`ll-convert\` makes such a file of a Hugging Face
directory whose config.json names one of the classes. LLaMA models also run from ggml, ggmf and ggjt files.

${hfTable()}

## Tokenizers

\`tokenizer.ggml.model\` of a GGUF file, and what of it \`ll-convert\` and \`ll-tokenize\` read from tokenizer.json, tokenizer.model and
tekken.json:

${list(VOCABULARY_KINDS.map(({ model, title }) => `\`${model}\`: ${title}`))}

Pre-tokenizers (\`tokenizer.ggml.pre\`) by their ${PRE_TOKENIZER_NAMES.length} names; those of a line cut texts alike. _BOS_: texts begin with it, unless the file says
otherwise. _NFC_: the publisher composes characters first.

${list(preTokenizers())}

Any other is refused by name.

## Types of weights

All of them run, whichever are mixed in a file. \`ll-quantize\` makes those that are marked, of GGUF files.

${typeTable()}
`;
}

function hfTable(): string {
  const rows = ARCHITECTURES.map(({ name, models, hf }) => {
    const classes = (hf?.classes ?? []).map((one) => `\`${one}\``).join(", ");
    return [`\`${name}\``, models, classes === "" ? "GGUF files only" : classes];
  });
  return table([["family", "models", "classes of Hugging Face directories"], ...rows]);
}

function familyTable(): string {
  return table([["family", "models"], ...ARCHITECTURES.map(({ name, models }) => [`\`${name}\``, models])]);
}

function shortForm(): string {
  const models = ARCHITECTURES.map(({ models }) => models.split(/[;:]/)[0]).join("; ");
  const kinds = VOCABULARY_KINDS.map(({ title }) => title).join(", ");
  return [
    `**${ARCHITECTURES.length} families**: ${models}.`,
    "",
    `GGUF files with weights of ${weightTypes().length} types, or Hugging Face directories that \`ll-convert\` makes such files of; LLaMA also from ggml, ggmf and ggjt`,
    `files. Vocabularies: ${kinds}, with ${PRE_TOKENIZER_NAMES.length} names of pre-tokenizers. [docs/models.md](docs/models.md) has the tables.`,
  ].join("\n");
}

/** Lines of names that share their rules. */
function preTokenizers(): string[] {
  const rows = new Map<object, string[]>();
  for (const name of PRE_TOKENIZER_NAMES) {
    const row = preTokenizer(name) as object;
    rows.set(row, [...(rows.get(row) ?? []), name]);
  }
  return [...rows.values()].map((names) => {
    const { addBos, compose } = preTokenizer(names[0] as string) ?? {};
    const notes = [addBos === true ? "_BOS_" : "", compose === true ? "_NFC_" : ""].filter((note) => note !== "");
    const plain = names.map((name) => `\`${name}\``).join(", ");
    return notes.length === 0 ? plain : `${plain}: ${notes.join(", ")}`;
  });
}

/** Those of tensors; two others are of activations alone. */
function weightTypes(): typeof BLOCK_TYPES {
  return BLOCK_TYPES.filter((type) => blockInfo(type).isWeightType);
}

function typeTable(): string {
  const rows = weightTypes().map((type) => {
    const { blockBytes, blockValues } = blockInfo(type);
    return [`\`${type}\``, ((8 * blockBytes) / blockValues).toFixed(2), canPackGguf(type) ? "yes" : ""];
  });
  return table([["type", "bits per weight", "made by ll-quantize"], ...rows]);
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? "")].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...others] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n");
}

if (import.meta.main) for (const path of WRITTEN) writeFileSync(join(ROOT, path), written(path));
