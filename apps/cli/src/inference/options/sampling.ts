// Options about how many tokens are drawn, and how.

import { flagRow, valueRow } from "../../option-rows.ts";
import { invalidParameter, type OptionValue } from "../../option-table.ts";
import { withFile } from "../../text-input.ts";
import type { RunParams } from "../params.ts";
import type { RunOption } from "./option.ts";

const GROUP = "Sampling";

/** A number that is stored as it is. */
function number(
  name: string,
  kind: "int" | "float",
  help: string,
  shownDefault: string,
  set: (params: RunParams, value: number) => void,
): RunOption {
  const placeholder = kind === "int" ? "N" : "X";
  return valueRow(GROUP, [name], kind, { placeholder, help, default: shownDefault }, (p, v) => set(p, v.number));
}

export const SAMPLING_OPTIONS: readonly RunOption[] = [
  valueRow(
    GROUP,
    ["--n-predict", "-n", "--predict"],
    "int",
    { placeholder: "N", help: "tokens to generate; -1 for no limit, -2 until the context is full", default: "-1" },
    (p, v) => {
      p.nPredict = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--seed", "-s"],
    "uint",
    { placeholder: "N", help: "seed of the random numbers; -1 takes the time", default: "-1" },
    (p, v) => {
      p.seed = v.number;
    },
  ),
  number("--temp", "float", "temperature; 0 takes the most likely token", "0.8", (p, x) => {
    p.temperature = x;
  }),
  number("--top-k", "int", "keep the N most likely tokens; 0 for all", "40", (p, x) => {
    p.topK = x;
  }),
  number("--top-p", "float", "keep the likeliest tokens up to this probability; 1 for all", "0.95", (p, x) => {
    p.topP = x;
  }),
  number("--tfs", "float", "tail-free sampling; 1 is off", "1", (p, x) => {
    p.tfsZ = x;
  }),
  number("--typical", "float", "locally typical sampling; 1 is off", "1", (p, x) => {
    p.typicalP = x;
  }),
  number("--repeat-last-n", "int", "tokens looked back for penalties; 0 is off, -1 the context", "64", (p, x) => {
    p.repeatLastN = x;
  }),
  valueRow(
    GROUP,
    ["--repeat-penalty"],
    "float",
    { placeholder: "X", help: "penalty on repeated tokens; 1 is off", default: "1.1" },
    (p, v) => {
      if (v.number === 0) throw invalidParameter(v.option, "expected a number to divide by, got 0");
      p.repeatPenalty = v.number;
    },
  ),
  number("--frequency-penalty", "float", "penalty per occurrence; 0 is off", "0", (p, x) => {
    p.frequencyPenalty = x;
  }),
  number("--presence-penalty", "float", "penalty on tokens that occurred; 0 is off", "0", (p, x) => {
    p.presencePenalty = x;
  }),
  valueRow(
    GROUP,
    ["--mirostat"],
    "int",
    {
      placeholder: "N",
      help: "mirostat: 0 off, 1 or 2; replaces top-k, tfs, typical, top-p",
      default: "0",
      choices: ["0", "1", "2"],
    },
    (p, v) => {
      p.mirostat = v.number;
    },
  ),
  number("--mirostat-lr", "float", "mirostat learning rate (eta)", "0.1", (p, x) => {
    p.mirostatEta = x;
  }),
  number("--mirostat-ent", "float", "mirostat target entropy (tau)", "5", (p, x) => {
    p.mirostatTau = x;
  }),
  number("--min-p", "float", "least probability, as a share of the likeliest token's; 0 is off", "0", (p, x) => {
    p.minP = x;
  }),
  number("--xtc-probability", "float", "chance of leaving out the likeliest tokens; 0 is off", "0", (p, x) => {
    p.xtcProbability = x;
  }),
  number(
    "--xtc-threshold",
    "float",
    "of XTC: least probability of a token left out; above 0.5 is off",
    "0.1",
    (p, x) => {
      p.xtcThreshold = x;
    },
  ),
  number("--dry-multiplier", "float", "DRY penalty on repeated sequences; 0 is off", "0", (p, x) => {
    p.dryMultiplier = x;
  }),
  number("--dry-base", "float", "of DRY: growth with each repeated token", "1.75", (p, x) => {
    p.dryBase = x;
  }),
  number("--dry-allowed-length", "int", "of DRY: repeated tokens without penalty", "2", (p, x) => {
    p.dryAllowedLength = x;
  }),
  number("--dry-penalty-last-n", "int", "of DRY: tokens looked back; 0 is off, -1 the context", "-1", (p, x) => {
    p.dryPenaltyLastN = x;
  }),
  valueRow(
    GROUP,
    ["--dry-sequence-breaker"],
    "text",
    {
      placeholder: "TEXT",
      help: "of DRY: a text that ends a sequence, repeatable; none for none at all",
      default: String.raw`\n : " *`,
    },
    (p, v) => {
      p.dryBreakers = v.text === "none" ? [] : [...(p.dryBreakers ?? []), v.text];
    },
  ),
  valueRow(GROUP, ["--grammar"], "text", { placeholder: "GBNF", help: "grammar that the text must follow" }, (p, v) => {
    p.grammarText = new TextEncoder().encode(v.text);
  }),
  valueRow(
    GROUP,
    ["--grammar-file"],
    "path",
    { placeholder: "FILE", help: "append a file to the grammar" },
    async (p, v) => {
      p.grammarText = await withFile(p.grammarText, v);
    },
  ),
  valueRow(
    GROUP,
    ["--logit-bias", "-l"],
    "text",
    { placeholder: "ID(+/-)BIAS", help: "change the likelihood of a token: 15043+1, 2-inf" },
    setBias,
  ),
  flagRow(GROUP, ["--ignore-eos"], "never end: the bias of the end token is -inf", (p) => {
    addBias(p, "eos", Number.NEGATIVE_INFINITY);
  }),
  flagRow(GROUP, ["--no-penalize-nl"], "do not penalise the newline token", (p) => {
    p.penalizeNewline = false;
  }),
];

/** `15043+1`, `2-inf`: a token id, a sign, a number. The last value per id wins. */
function setBias(params: RunParams, { text, option: typed }: OptionValue): void {
  const match = /^(\d+)([+-])(inf|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)$/i.exec(text);
  if (match === null) throw invalidParameter(typed, `expected ID(+/-)BIAS such as 15043+1, got "${text}"`);
  const [, id, sign, size] = match as unknown as [string, string, string, string];
  const magnitude = size.toLowerCase() === "inf" ? Number.POSITIVE_INFINITY : Math.fround(Number(size));
  addBias(params, Number(id), sign === "-" ? -magnitude : magnitude);
}

/** As the last one: of two for the same id that counts. */
function addBias({ logitBias }: RunParams, id: number | "eos", bias: number): void {
  logitBias.delete(id);
  logitBias.set(id, bias);
}
