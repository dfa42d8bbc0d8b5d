// What drafts save: tokens per second with prompt lookup, against those without, on texts of three kinds. Random weights agree with no
// draft, so of an edit and a summary the ids are forced: the sampler chooses from the logits, and the text goes on with the recorded ids
// all the same. A story is free: the tiny model of the project writes it.
// The last line is JSON: the ratios.
//   measure-drafts.ts [SHAPE [THREADS [ROUNDS]]]      SHAPE: 1.1b (default) or another one of make-synthetic-model.ts

import { readFileSync } from "node:fs";
import { memorySource } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, createGenerator, type DraftOptions, loadModel, type TeamModel } from "@ll/llama";
import { build803Chain, createSampler } from "@ll/sampling";
import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { tinyModel } from "../tiny-model.ts";
import { ggjtModel, vocabPath } from "./models.ts";

const DRAFTS: readonly [string, DraftOptions][] = [
  ["without", {}],
  ["lookup 8", { lookup: 8 }],
  ["lookup 16", { lookup: 16 }],
];

const SOURCE =
  `The lighthouse stood at the end of the long pier, and nobody had lived in it for years. Every evening the old keeper's
daughter walked out to it with a lamp, because ships still looked for the light. She counted her steps, two hundred and
twelve of them, and she knew which boards were loose. When the wind came from the west the whole pier shook, and the gulls sat
down in rows and waited. In winter there was ice on the rail. She never told anyone why she went, but the fishermen knew,
and they waved at her when they came home late. One night the lamp went out, and she heard a bell where no bell had been.
The next morning she asked the harbour master about the bell. He said that there was a bell at the bottom of the bay, from
a ship that sank when his grandfather was a boy, and that it rang before a storm. She did not believe him, and that night the
storm came.`.replace(/\n/g, " ");

/** Another spelling and a few other words: what a model writes that was asked to change a text. */
const EDITED = SOURCE.replace("nobody", "no one")
  .replace("walked out", "went out")
  .replace("two hundred and twelve", "212")
  .replace("fishermen", "fishers")
  .replace("harbour master", "harbor master")
  .replace("did not believe", "didn't believe");
const SUMMARY =
  "Every evening the old keeper's daughter walked out to the lighthouse at the end of the long pier, because ships still looked " +
  "for the light. One night the lamp went out, and she heard a bell. The harbour master said that it was from a ship that sank " +
  "when his grandfather was a boy, and that it rang before a storm. That night the storm came.";

interface Text {
  readonly model: TeamModel;
  readonly prompt: readonly number[];
  /** What the text goes on with; undefined if that is free. */
  readonly forced: readonly number[] | undefined;
  readonly nTokens: number;
}

/** Tokens per second behind the prompt. */
async function decode({ model, prompt, forced, nTokens }: Text, drafts: DraftOptions) {
  const context = await model.createContext({ contextTokens: 1024 });
  const sampler = createSampler({ stages: build803Chain(), seed: 1, nVocab: model.config.nVocab });
  let n = 0;
  const generator = createGenerator(context, {
    sampler: {
      sample(logits, lastTokens) {
        const id = sampler.sample(logits, lastTokens);
        return forced?.[n++] ?? id;
      },
    },
    ...drafts,
  });
  generator.accept(prompt);
  await generator.evaluatePending();
  const ids: number[] = [];
  const before = model.nPasses();
  const start = performance.now();
  while (ids.length < nTokens) {
    ids.push(generator.sample());
    await generator.evaluatePending({ mostDrafted: nTokens - ids.length - 1 });
  }
  const seconds = (performance.now() - start) / 1000;
  await context.dispose();
  return { ids, rate: nTokens / seconds, nPasses: model.nPasses() - before, drafts: generator.drafts };
}

const [shape = "1.1b", threads = "2", rounds = "5"] = process.argv.slice(2);
const ROUNDS = Number(rounds);
const tokenizer = createTokenizer(readSentencePieceModel(readFileSync(vocabPath())));
const idsOf = (text: string): number[] => [...tokenizer.encode(text)];

const made = await ggjtModel(shape);
const source = await openFileSource(made.ggjt);
const file = await openGgml(source);
const config = configFromGgml(file.hyperParams, { nKvHeads: made.nKvHeads });
const big = await loadModel(file, config, { threads: Number(threads) });
const tinyFile = await openGgml(memorySource(await tinyModel("q4_0")));
const tiny = await loadModel(tinyFile, configFromGgml(tinyFile.hyperParams), { threads: 1 });

const forcedText = (answer: string): Text => {
  const forced = idsOf(answer);
  return { model: big, prompt: [1, ...idsOf(SOURCE)], forced, nTokens: forced.length };
};
const texts = new Map<string, Text>([
  ["edit", forcedText(EDITED)],
  ["summary", forcedText(SUMMARY)],
  ["story", { model: tiny, prompt: [1, 403, 407, 261, 378], forced: undefined, nTokens: 400 }],
]);

const ratiosOf: Record<string, number> = {};
for (const [name, text] of texts) {
  const rates = new Map<string, number[]>(DRAFTS.map(([label]) => [label, []]));
  const counts = new Map<string, string>();
  let plain: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [label, drafts] of DRAFTS) {
      const run = await decode(text, drafts);
      plain ??= run.ids.join(" ");
      if (run.ids.join(" ") !== plain) throw new Error(`${name}, ${label}: other ids`);
      rates.get(label)?.push(run.rate);
      const { nDrafted = 0, nAccepted = 0 } = run.drafts ?? {};
      counts.set(
        label,
        `${run.nPasses} passes for ${text.nTokens} tokens, ${nAccepted} of ${nDrafted} drafted accepted`,
      );
    }
  }
  const base = rates.get("without") as number[];
  for (const [label, all] of rates) {
    const ratios = all.map((rate, i) => rate / (base[i] as number)).sort((a, b) => a - b);
    const median = [...all].sort((a, b) => a - b)[ROUNDS >> 1] as number;
    if (label !== "without") ratiosOf[`${name}, ${label}`] = ratios[ROUNDS >> 1] as number;
    console.log(
      `${name.padEnd(8)} ${label.padEnd(10)} ${median.toFixed(1).padStart(7)} tokens/s  ${(ratios[ROUNDS >> 1] as number).toFixed(2)}  ${counts.get(label)}`,
    );
  }
}
await big.dispose();
await tiny.dispose();
await source.close();
console.log(JSON.stringify(ratiosOf));
