// Options that choose another kind of run, and those that are accepted for the sake of old command lines.

import { flagRow, jsonRow, silentRow } from "../../option-rows.ts";
import { ignoredRow, type RunOption } from "./option.ts";

const GROUP = "Other";

export const OTHER_OPTIONS: readonly RunOption[] = [
  silentRow("nothing on standard error unless the run fails; of scores, only the last one"),
  jsonRow("one JSON object at the end, and nothing else on standard output"),
  flagRow(GROUP, ["--mtest"], "evaluate as much as fits the context, then stop", (p) => {
    p.memoryTest = true;
  }),
  flagRow(GROUP, ["--perplexity"], "see the perplexity tool", (p) => {
    p.otherTool = "perplexity";
  }),
  flagRow(GROUP, ["--embedding"], "see the embedding tool", (p) => {
    p.otherTool = "embedding";
  }),
  flagRow(GROUP, ["--compat"], "restore the quirks of build 803 that are mended here", (p) => {
    p.compat = true;
  }),

  ignoredRow(["--mlock"], "flag", "memory is not locked"),
  ignoredRow(["--no-mmap"], "flag", "model files are read, never mapped"),
  ignoredRow(["--numa"], "flag", "every worker keeps its weights in its own memory"),
  ignoredRow(["--export"], "flag", "there is no compute graph to export"),
  ignoredRow(["--alias", "-a"], "text", "only a server has an alias"),
  ignoredRow(["--n-gpu-layers", "--gpu-layers", "-ngl"], "int", "not compiled with GPU offload support"),
  ignoredRow(["--main-gpu", "-mg"], "int", "there is no GPU to choose"),
  ignoredRow(["--tensor-split", "-ts"], "text", "there is no GPU to split over"),
  ignoredRow(["--low-vram", "-lv"], "flag", "there is no video memory to save"),
  ignoredRow(["--mul-mat-q", "-mmq"], "flag", "there are no GPU kernels to choose"),
];
