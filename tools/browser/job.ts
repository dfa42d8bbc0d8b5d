// A page that does the job in its address, reports what came of it, and goes where it is sent next. See tools/browsers.ts.

import { type PageResult, quantizePage, runPage } from "./page.ts";

export interface Job {
  /** `run` loads the model at /model.bin and generates, `quantize` takes that at /large.bin. */
  readonly kind: "run" | "quantize";
  readonly threads?: number;
  readonly workerUrl?: string;
}

export type JobResult = PageResult | string | { readonly failure: Failure };

export interface Failure {
  readonly name: string;
  readonly code?: string;
  readonly url?: string;
  readonly message: string;
}

async function work({ kind, ...options }: Job, server: string): Promise<JobResult> {
  try {
    const response = await fetch(`${server}/${kind === "run" ? "model" : "large"}.bin`);
    const blob = await response.blob();
    return kind === "run"
      ? await runPage(blob, " Once upon a time", 1, options)
      : await quantizePage(blob, options.workerUrl);
  } catch (error) {
    const { name, code, url, message } = error as Failure;
    return { failure: { name, message, ...(code && { code }), ...(url && { url }) } };
  }
}

async function main(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const server = query.get("server") ?? "";
  const result = await work(JSON.parse(query.get("job") ?? "{}"), server);
  const response = await fetch(`${server}/done/${query.get("id")}`, { method: "POST", body: JSON.stringify(result) });
  location.href = await response.text();
}

if (globalThis.document !== undefined) void main();
