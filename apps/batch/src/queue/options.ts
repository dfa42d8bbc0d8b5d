// Options of whoever has to do with a queue.

import { type Io, type OptionSpec, UsageError, valueRow } from "@ll/cli/frame";

export interface QueueParams {
  queue: string | undefined;
}

/** `--queue`; what stands in LL_QUEUE counts where it is not given. */
export function queueOption<P extends QueueParams>(help: string): OptionSpec<P> {
  const row = valueRow<P>(
    "Queue",
    ["--queue"],
    "text",
    { placeholder: "URL", help, default: "LL_QUEUE" },
    (p, { text }) => {
      assertQueueUrl(text);
      p.queue = text;
    },
  );
  return { ...row, isSecret: true };
}

/** Of the command line, else of the environment. @throws UsageError */
export function queueOf({ queue }: QueueParams, { env }: Pick<Io, "env">): string | undefined {
  const url = queue ?? env["LL_QUEUE"];
  if (url === undefined || url === "") return undefined;
  assertQueueUrl(url);
  return url;
}

/** @throws UsageError, which does not repeat what it was given */
export function assertQueueUrl(url: string | undefined): asserts url is string {
  if (url === undefined || url === "") throw new UsageError("no queue given: --queue redis://HOST:PORT, or LL_QUEUE");
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new UsageError("--queue expected redis://HOST:PORT, or rediss:// with TLS");
  }
}
