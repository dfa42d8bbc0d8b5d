// What the page asks of its worker, and what it is told.

import type { TypeShare } from "@ll/model";

/** A file that was picked, and where it was in the folder that was picked. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** Where a model is: files of a person or of the kept ones, or an address. */
export type Place = { readonly files: readonly PickedFile[] } | { readonly url: string };

/** What a model file or a checkpoint is, from its header. */
export interface Look {
  readonly name: string;
  readonly bytes: number;
  readonly kind: "model" | "checkpoint";
  /** Container or kind of checkpoint, such as "GGUF v3". */
  readonly format: string;
  readonly family: string;
  readonly tokenizer: string;
  readonly hasTemplate: boolean;
  readonly trainedContext: number | undefined;
  readonly parameters: number;
  readonly types: readonly TypeShare[];
  readonly fileType: string | undefined;
  /** Why it does not run here as it is. */
  readonly whyNot: string | undefined;
  /** Bytes that the engine will take, with one thread. */
  readonly memory: readonly { readonly contextTokens: number; readonly bytes: number }[];
  readonly warnings: readonly string[];
  /** Of a checkpoint; those of a model are a job of their own. */
  readonly targets: readonly Target[] | undefined;
}

export type ContainerName = "gguf" | "ggjt";

/** A file that can be made of it. */
export interface Target {
  readonly container: ContainerName;
  /** Name of the type, such as "Q4_K_M"; "as it is" for weights that keep theirs. */
  readonly type: string;
  /** Id of the type of a quantised file. */
  readonly ftype: number | undefined;
  readonly bytes: number;
  /** False for sizes that are only estimated, before a checkpoint is read. */
  readonly isExact: boolean;
}

export interface ConvertRequest {
  readonly place: Place;
  readonly target: Pick<Target, "container" | "type" | "ftype">;
  /** Take weights that are quantised already. */
  readonly allowRequantize: boolean;
  readonly threads: number;
  /** Where the file goes: among the kept models, to a file on disk, or into memory for a download. */
  readonly to: "kept" | "memory" | FileSystemFileHandle;
}

export interface WorkStep {
  readonly stage: string;
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

/** A file that was made. */
export interface Made {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Names it among the kept models. */
  readonly kept: string | undefined;
  /** Its contents, where it was made in memory. */
  readonly file: File | undefined;
  readonly warnings: readonly string[];
}

export interface OpenRequest {
  readonly place: Place;
  readonly contextTokens: number | undefined;
  readonly threads: number;
}

export interface Opened {
  readonly name: string;
  readonly threads: number;
  readonly kernels: string;
  readonly contextTokens: number;
  readonly warnings: readonly string[];
}

export interface FetchRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | undefined;
}

export type FetchEvent =
  | {
      readonly kind: "head";
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** By the name of the job: what it is given, what it tells on its way, what it gives. */
export interface Jobs {
  look: { request: Place; event: never; result: Look };
  targets: { request: Place; event: never; result: readonly Target[] };
  convert: { request: ConvertRequest; event: WorkStep; result: Made };
  keep: { request: Place; event: WorkStep; result: Made };
  open: { request: OpenRequest; event: string; result: Opened };
  fetch: { request: FetchRequest; event: FetchEvent; result: undefined };
}

export type JobName = keyof Jobs;

export type ToWorker =
  | { readonly id: number; readonly job: JobName; readonly request: Jobs[JobName]["request"] }
  | { readonly id: number; readonly abort: true };

/** An error as it crosses to the page. */
export interface TabError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

export type FromWorker =
  | { readonly id: number; readonly event: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: TabError };
