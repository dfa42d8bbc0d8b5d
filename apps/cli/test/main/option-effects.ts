// For every option of the table: a command line, and how its output shows that the option was heeded.

/** Files that the command lines name. */
export interface EffectFiles {
  readonly gqaModel: string;
  readonly adapter: string;
  readonly promptFile: string;
  readonly grammarFile: string;
  readonly tasksFile: string;
  /** A path at which nothing is yet. */
  readonly fresh: string;
}

/** What is seen of the run with the option and not of the one without: another text, or a match in standard error or output. */
export type Seen = "text differs" | RegExp | { readonly stdout: RegExp };

export interface Effect {
  /** First of its names in the table. */
  readonly option: string;
  readonly args: readonly string[];
  /** Arguments of both runs, `-m FILE -t 1 -s 1 -n 16` besides. */
  readonly base?: readonly string[];
  readonly program?: "ll-perplexity";
  readonly sees: Seen;
}

const ONCE = ["-p", "Once upon a time"];
const CAT = ["-p", "the cat sat. the cat sat. the cat sat. the cat", "--temp", "0", "--repeat-penalty", "1"];
const LONG = [...ONCE, "-c", "16", "-n", "40"];
const text = "text differs";

function sampling(option: string, value: string, base: readonly string[] = ONCE): Effect {
  return { option, args: [option, value], base, sees: text };
}

export function effects(files: EffectFiles): Effect[] {
  const { adapter, promptFile, grammarFile, tasksFile, fresh } = files;
  const lora = ["--lora", adapter];
  const dry = [...CAT, "--dry-multiplier", "4"];
  const chunked = ["-f", promptFile, "-c", "8"];
  return [
    { option: "--model", args: ["-m", `${fresh}.absent`], sees: /failed to open .*absent/ },
    { option: "--lora", args: lora, base: ONCE, sees: text },
    { option: "--lora-base", args: ["--lora-base", fresh], base: lora, sees: /loading base model from/ },
    { option: "--ctx-size", args: ["-c", "16"], base: [...ONCE, "-n", "40"], sees: text },
    sampling("--rms-norm-eps", "0.1"),
    {
      option: "--gqa",
      args: ["-gqa", "2"],
      base: ["-m", files.gqaModel, ...ONCE],
      sees: { stdout: /^ Once upon a time/ },
    },
    sampling("--rope-freq-base", "10"),
    sampling("--rope-freq-scale", "0.3"),
    sampling("--rope-scale", "4"),
    // an f32 cache shows in the text only where build 803's mistake with it is repeated
    { option: "--memory-f32", args: ["--memory-f32"], base: [...ONCE, "--compat"], sees: text },
    { option: "--cache-type-k", args: ["--cache-type-k", "q8_0"], base: ONCE, sees: /kv self size {2}= +1\.15 MB/ },
    { option: "--cache-type-v", args: ["--cache-type-v", "q8_0"], base: ONCE, sees: /kv self size {2}= +1\.15 MB/ },
    { option: "--compat", args: ["--compat"], base: [...ONCE, "--memory-f32"], sees: text },
    { option: "--batch-size", args: ["-b", "2"], base: [...ONCE, "--memory-f32", "--compat"], sees: text },
    { option: "--lookup", args: ["--lookup", "8"], base: CAT, sees: /draft tokens = +\d+, of which [1-9]/ },
    { option: "--arithmetic", args: ["--arithmetic", "lanes"], base: ONCE, sees: /ARITHMETIC = lanes/ },
    { option: "--threads", args: ["-t", "3"], base: ONCE, sees: /n_threads = 3 / },

    { option: "--prompt", args: ["-p", "Lily"], sees: { stdout: /^ Lily/ } },
    { option: "--file", args: ["-f", promptFile], sees: { stdout: /^ The little dog/ } },
    { option: "--escape", args: ["-e"], base: ["-p", "a\\nb"], sees: { stdout: /^ a\nb/ } },
    {
      option: "--random-prompt",
      args: ["--random-prompt"],
      sees: { stdout: /^ (So|Once|When|The|After|If|import|He|She)/ },
    },
    { option: "--prompt-cache", args: ["--prompt-cache", fresh], base: ONCE, sees: /session file does not exist/ },
    {
      option: "--prompt-cache-all",
      args: ["--prompt-cache-all"],
      base: [...ONCE, "--prompt-cache", fresh],
      sees: /saving final/,
    },
    { option: "--keep", args: ["--keep", "4"], base: LONG, sees: text },
    {
      option: "--verbose-prompt",
      args: ["--verbose-prompt"],
      base: ONCE,
      sees: /number of tokens in prompt = \d+\n +1 -> ''/,
    },
    { option: "--cfg-scale", args: ["--cfg-scale", "3"], base: [...ONCE, "--cfg-negative-prompt", "Once"], sees: text },
    sampling("--cfg-negative-prompt", "A dog", [...ONCE, "--cfg-scale", "3"]),
    sampling("--cfg-negative-prompt-file", promptFile, [...ONCE, "--cfg-scale", "3"]),

    { option: "--n-predict", args: ["-n", "3"], base: ONCE, sees: text },
    { option: "--seed", args: ["-s", "2"], base: ONCE, sees: text },
    sampling("--temp", "0"),
    sampling("--top-k", "1"),
    sampling("--top-p", "0.1"),
    sampling("--tfs", "0.1"),
    sampling("--typical", "0.1"),
    sampling("--repeat-last-n", "0", [...CAT, "--repeat-penalty", "3"]),
    sampling("--repeat-penalty", "3", CAT),
    sampling("--frequency-penalty", "2", CAT),
    sampling("--presence-penalty", "2", CAT),
    sampling("--mirostat", "2"),
    sampling("--mirostat-lr", "5", [...ONCE, "--mirostat", "2", "-n", "40"]),
    sampling("--mirostat-ent", "0.5", [...ONCE, "--mirostat", "2"]),
    sampling("--min-p", "0.9"),
    sampling("--xtc-probability", "1"),
    sampling("--xtc-threshold", "0.4", [...ONCE, "--xtc-probability", "1"]),
    sampling("--dry-multiplier", "4", CAT),
    sampling("--dry-base", "8", [...CAT, "--dry-multiplier", "0.1"]),
    sampling("--dry-allowed-length", "20", dry),
    sampling("--dry-penalty-last-n", "3", dry),
    sampling("--dry-sequence-breaker", "t", dry),
    {
      option: "--grammar",
      args: ["--grammar", 'root ::= " yes"'],
      base: ONCE,
      sees: { stdout: /^ Once upon a time yes$/ },
    },
    { option: "--grammar-file", args: ["--grammar-file", grammarFile], base: ONCE, sees: { stdout: / no$/ } },
    { option: "--logit-bias", args: ["-l", "2+100"], base: ONCE, sees: /\[end of text\]/ },
    { option: "--ignore-eos", args: ["--ignore-eos"], base: [...ONCE, "-l", "2+100"], sees: text },
    {
      option: "--no-penalize-nl",
      args: ["--no-penalize-nl"],
      base: ["-p", "a\n\n\n\n", "--repeat-penalty", "100", "--temp", "0", "-l", "13+9"],
      sees: text,
    },

    {
      option: "--chunks",
      args: ["--chunks", "1"],
      base: chunked,
      program: "ll-perplexity",
      sees: { stdout: /^\[1][\d.]+,\n$/ },
    },
    {
      option: "--hellaswag",
      args: ["--hellaswag"],
      base: ["-f", tasksFile],
      program: "ll-perplexity",
      sees: { stdout: /acc_norm/ },
    },
    {
      option: "--hellaswag-tasks",
      args: ["--hellaswag-tasks", "1"],
      base: ["-f", tasksFile, "--hellaswag"],
      program: "ll-perplexity",
      sees: { stdout: /^\ntask\tacc_norm\n1\t[\d.]+\n\n$/ },
    },

    {
      option: "--reverse-prompt",
      args: ["-r", ","],
      base: [...ONCE, "--temp", "0"],
      sees: { stdout: /^ Once upon a time,$/ },
    },
    { option: "--json", args: ["--json"], base: ONCE, sees: { stdout: /^{"version":1,"model":/ } },
    { option: "--mtest", args: ["--mtest"], base: ONCE, sees: { stdout: /^$/ } },
    { option: "--perplexity", args: ["--perplexity"], sees: { stdout: /use the 'perplexity' tool/ } },
    { option: "--embedding", args: ["--embedding"], sees: { stdout: /use the 'embedding' tool/ } },
    { option: "--print-config", args: ["--print-config"], sees: { stdout: /^threads +1 +flag$/m } },
    { option: "--verbose", args: ["--verbose"], base: ["-m", fresh], sees: /\n {4}at / },
    { option: "--version", args: ["--version"], sees: { stdout: /^ll-main \d/ } },
    { option: "--help", args: ["--help"], sees: { stdout: /^Examples:/ } },
    ...["--mlock", "--no-mmap", "--numa", "--export", "--low-vram", "--mul-mat-q"].map(ignoredFlag),
    ...["--alias", "--n-gpu-layers", "--main-gpu", "--tensor-split"].map((option) => ({
      option,
      args: [option, "1"],
      sees: ignoredNotice(option),
    })),
  ];
}

function ignoredFlag(option: string): Effect {
  return { option, args: [option], sees: ignoredNotice(option) };
}

function ignoredNotice(option: string): RegExp {
  return new RegExp(`^warning: ${option} has no effect here: `, "m");
}

/** Options that only a process of its own or a second run shows, and the test file that does it. */
export const SHOWN_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["--color", "main/conversation.test.ts"],
  ["--interactive", "main/conversation.test.ts"],
  ["--interactive-first", "main/conversation.test.ts"],
  ["--instruct", "main/conversation.test.ts"],
  ["--multiline-input", "main/conversation.test.ts"],
  ["--in-prefix", "main/conversation.test.ts"],
  ["--in-suffix", "main/conversation.test.ts"],
  ["--in-prefix-bos", "main/conversation.test.ts"],
  ["--keep-eos", "main/conversation.test.ts"],
  ["--simple-io", "main/conversation.test.ts"],
  ["--draft-model", "main/drafts.test.ts"],
  ["--draft", "main/drafts.test.ts"],
  ["--prompt-cache-ro", "main/prompt-cache.test.ts"],
  ["--no-display-prompt", "main/output.test.ts"],
  ["--quiet", "main/output.test.ts"],
  ["--completion", "completion.test.ts"], // counts as the first argument only
]);
