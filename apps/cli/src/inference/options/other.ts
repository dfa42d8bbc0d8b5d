// Options that choose another kind of run, and those that are accepted for the sake of old command lines.

import { flag, ignored, type RunOption } from "./option.ts";

const GROUP = "Other";

export const OTHER_OPTIONS: readonly RunOption[] = [
  flag(GROUP, ["--mtest"], "evaluate as much as fits the context, then stop", (p) => {
    p.memoryTest = true;
  }),
  flag(GROUP, ["--perplexity"], "see the perplexity tool", (p) => {
    p.otherTool = "perplexity";
  }),
  flag(GROUP, ["--embedding"], "see the embedding tool", (p) => {
    p.otherTool = "embedding";
  }),
  flag(GROUP, ["--compat"], "restore the quirks of build 803 that are mended here", (p) => {
    p.compat = true;
  }),

  ignored(["--mlock"], "flag", "memory is not locked"),
  ignored(["--no-mmap"], "flag", "model files are read, never mapped"),
  ignored(["--numa"], "flag", "every worker keeps its weights in its own memory"),
  ignored(["--export"], "flag", "there is no compute graph to export"),
  ignored(["--alias", "-a"], "text", "only a server has an alias"),
  ignored(["--n-gpu-layers", "--gpu-layers", "-ngl"], "int", "not compiled with GPU offload support"),
  ignored(["--main-gpu", "-mg"], "int", "there is no GPU to choose"),
  ignored(["--tensor-split", "-ts"], "text", "there is no GPU to split over"),
  ignored(["--low-vram", "-lv"], "flag", "there is no video memory to save"),
  ignored(["--mul-mat-q", "-mmq"], "flag", "there are no GPU kernels to choose"),
];
