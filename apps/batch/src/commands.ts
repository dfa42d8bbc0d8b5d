// The commands of ll-batch. One is loaded when it is called, so that none pays for another's start.

import { allOptions, type Command, type CompletedOption } from "@ll/cli/frame";

export interface BatchCommand {
  /** One line of the help. */
  readonly summary: string;
  load(): Promise<Command>;
  /** All options, for completion. */
  options(): Promise<readonly CompletedOption[]>;
}

export const COMMANDS: ReadonlyMap<string, BatchCommand> = new Map<string, BatchCommand>([
  [
    "run",
    {
      summary: "answers the requests of a file",
      load: async () => (await import("./commands/run.ts")).runCommand,
      options: async () => allOptions((await import("./commands/run.ts")).RUN_OPTIONS),
    },
  ],
  [
    "work",
    {
      summary: "works for runs of other machines, through a queue",
      load: async () => (await import("./commands/work.ts")).workCommand,
      options: async () => allOptions((await import("./commands/work.ts")).WORK_OPTIONS),
    },
  ],
  [
    "perplexity",
    {
      summary: "how well a model foretells a text, as ll-perplexity prints it",
      load: async () => (await import("./commands/perplexity.ts")).perplexityCommand,
      options: async () => allOptions((await import("./commands/perplexity.ts")).PERPLEXITY_OPTIONS),
    },
  ],
  [
    "quantize",
    {
      summary: "quantises many files",
      load: async () => (await import("./commands/files.ts")).quantizeFilesCommand,
      options: async () => allOptions((await import("./commands/files.ts")).QUANTIZE_OPTIONS),
    },
  ],
  [
    "convert",
    {
      summary: "converts many models",
      load: async () => (await import("./commands/files.ts")).convertFilesCommand,
      options: async () => allOptions((await import("./commands/files.ts")).CONVERT_OPTIONS),
    },
  ],
]);
