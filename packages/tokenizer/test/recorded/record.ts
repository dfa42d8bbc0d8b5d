// Records what SentencePiece makes of the variants. It needs Python with the package sentencepiece:
//   node --conditions=@ll/source packages/tokenizer/test/recorded/record.ts > packages/tokenizer/test/recorded/sentencepiece.json

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { variantBytes, variants } from "./variants.ts";

const ATOMS = [
  ..."aezXZs.,!",
  ..."é日🦙\n\t\0\u2581",
  ...[" ", " ", "  ", "   ", "ing", "the", " the ", "aa", "<x>", "<x>y", "q q", "e\u0301", "<s>", "</s>", "<0x41>"],
  ...[
    "once upon a time",
    "there was",
    "little",
    "girl",
    "Th",
    "said",
    "\x80",
    "\xff\xfe",
    "\xf0\x9f",
    "\xed\xa0\x80",
    "\xc0\xaf",
  ],
];
const N_INPUTS = 80;

let state = 1;

/** A whole number below `limit`, from a linear congruential generator. */
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** Characters from U+0080 to U+00FF in an atom of such alone stand for bytes that are not UTF-8. */
function atomBytes(atom: string): Buffer {
  return Buffer.from(atom, /^[\x80-\xff]+$/.test(atom) && atom !== "é" ? "latin1" : "utf8");
}

/** Texts in hexadecimal, the same at every call. */
export function recordedInputs(): string[] {
  state = 1;
  return Array.from({ length: N_INPUTS }, (_, index) =>
    Buffer.concat(
      Array.from({ length: index === 0 ? 0 : 1 + random(14) }, () => atomBytes(ATOMS[random(ATOMS.length)] ?? "")),
    ).toString("hex"),
  );
}

const SCRIPT = `
import json, sys, sentencepiece
job = json.load(sys.stdin)
ids = []
for path in job["models"]:
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(open(path, "rb").read())
    ids.append([" ".join(map(str, processor.EncodeAsIds(bytes.fromhex(text)))) for text in job["inputs"]])
json.dump({"sentencepiece": sentencepiece.__version__, "ids": ids}, sys.stdout)
`;

if (import.meta.main) {
  const inputs = recordedInputs();
  const folder = mkdtempSync(join(tmpdir(), "record-"));
  const models = [...variants.values()].map((variant, index) => {
    const path = join(folder, `${index}.model`);
    writeFileSync(path, variantBytes(variant));
    return path;
  });
  const job = JSON.stringify({ models, inputs });
  const answer = JSON.parse(execFileSync("python3", ["-c", SCRIPT], { input: job, encoding: "utf8" }));
  rmSync(folder, { recursive: true });
  const recordings = Object.fromEntries([...variants.keys()].map((name, index) => [name, answer.ids[index]]));
  process.stdout.write(`${JSON.stringify({ sentencepiece: answer.sentencepiece, inputs, recordings }, null, 2)}\n`);
}
