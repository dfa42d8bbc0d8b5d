// Options of ll-perplexity alone. Like llama.cpp's programs, the others accept them and do not care.

import { flagRow, valueRow } from "../../option-rows.ts";
import type { RunOption } from "./option.ts";

const GROUP = "Scoring (ll-perplexity)";

export const SCORING_OPTIONS: readonly RunOption[] = [
  valueRow(
    GROUP,
    ["--chunks"],
    "int",
    { placeholder: "N", help: "score at most N chunks; negative for all", default: "-1" },
    (p, v) => {
      p.maxChunks = v.number;
    },
  ),
  flagRow(GROUP, ["--hellaswag"], "score HellaSwag tasks from the file of -f", (p) => {
    p.hellaswag = true;
  }),
  valueRow(
    GROUP,
    ["--hellaswag-tasks"],
    "int",
    { placeholder: "N", help: "number of tasks, chosen at random", default: "400" },
    (p, v) => {
      p.hellaswagTasks = v.number;
    },
  ),
];
