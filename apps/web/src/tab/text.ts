// Every English text of the panels.

import type { Obstacle } from "./isolation.ts";
import type { Failure } from "./tab.ts";

const FAILED: Readonly<Record<Failure["what"], string>> = {
  open: "This cannot be opened",
  run: "This model does not run here",
  convert: "Nothing was written",
  keep: "The model was not kept",
};

const ONE_THREAD: Readonly<Record<Obstacle, string>> = {
  insecure:
    "One thread: the page came over plain http, and browsers share memory between threads only over https or from this machine.",
  unavailable:
    "One thread: the host does not send the headers that isolate a page, and this browser has no service worker here that could.",
  failed:
    "One thread: the host does not send the headers that isolate a page, and a service worker could not add them.",
};

export const tabText = {
  models: "Models",
  back: "Back to the chat",
  intro: "A model runs in this tab: nothing that you open leaves this machine.",
  drop: "Drop a model here: a GGUF or ggml file, or the folder of a checkpoint",
  pickFiles: "Choose files",
  pickFolder: "Choose a folder",
  address: "Address of a model file, or its name on the Hugging Face hub",
  openAddress: "Open",
  addressHint:
    "https://…, or hf:OWNER/REPO with :Q4_K_M or :FILE behind it. Only what is needed is fetched; a server has to allow this page (CORS) and to expose content-range.",
  tryEmbedded: "Try the embedded model",
  embeddedHint: "A model of 1.5 million weights that tells children's stories: 2.9 MB, quantised here, then run.",
  looking: "Reading the header …",
  failed: (what: Failure["what"]): string => FAILED[what],
  died: (name: string): string =>
    `The tab ended while it loaded ${name}, most likely for lack of memory. Take a smaller context, one thread or a smaller type.`,
  oneThread: (obstacle: Obstacle): string =>
    `${ONE_THREAD[obstacle]} Answers take about as many times as long as this machine has cores.`,
  closeModel: "Close",
  facts: {
    format: "format",
    family: "family",
    tokenizer: "tokenizer",
    template: "chat template",
    context: "context",
    weights: "weights",
    size: "size",
    runs: "runs here",
  },
  none: "none",
  inFolder: "in files of its own",
  own: "its own",
  noTemplate: "none: a plain one is used",
  yes: "yes",
  checkpoint: "not as it is: a checkpoint has to be converted first",
  tokens: (count: number): string => `${count.toLocaleString("en")} tokens`,
  contextLabel: "Context",
  contextUsual: "as large as helps",
  threadsLabel: "Threads",
  run: "Run",
  loading: (progress: string): string => `Loading ${progress}`,
  keep: "Keep in this browser",
  keptAlready: "kept in this browser",
  unload: "Unload",
  convertTitle: "Convert and quantise",
  findTargets: "What can be made of it?",
  targetLabel: "Make",
  requantize: "These weights are quantised already: take them all the same, with some loss",
  toLabel: "Write to",
  toKept: "this browser",
  toDisk: "a file on disk",
  toMemory: "memory, for a download",
  convert: "Write the file",
  stop: "Stop",
  made: (name: string): string => `${name} is written.`,
  download: "Download",
  openMade: "Open it",
  keptTitle: "Kept in this browser",
  total: (size: string): string => `${size} in all`,
  openKept: (name: string): string => `Open ${name}`,
  removeKept: (name: string): string => `Remove ${name}`,
  confirmRemove: (name: string): string => `Remove ${name} from this browser?`,
  cancel: "Cancel",
  remove: "Remove",
  nothingKept: "No model is kept yet.",
  keepsNothing:
    "This browser keeps no files for this page: models run from where they are, and new files are downloaded.",
} as const;

/** Decimal units, as shops of disks count. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

export function countText(count: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(count);
}
