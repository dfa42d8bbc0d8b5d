// What an engine is asked to do, and what it answers. Every engine is a script of its own: it gets one `EnginePlan` as JSON in its
// last argument, and prints one line of JSON, an `EngineResult`. Scripts of peers are JavaScript and know this file by its words only.

/** One request after the cache was emptied: `nPrompt` ids at once, then `nDecode` tokens one by one, greedily. */
export interface Request {
  readonly nPrompt: number;
  readonly nDecode: number;
  /** That many sequences at the same time, each with this prompt and this many tokens; 1 if left out. */
  readonly streams?: number;
}

export interface EnginePlan {
  /** A ggjt file or a GGUF file of the same weights. */
  readonly model: string;
  /** Not stated in ggjt files. */
  readonly nKvHeads: number;
  readonly threads: number;
  /** Cut to `nPrompt` ids for each request. */
  readonly ids: readonly number[];
  /** Of each sequence. */
  readonly contextTokens: number;
  /** Measured in this order, after an unmeasured one that is as long as the first and gives the time to the first token. */
  readonly requests: readonly Request[];
  /** A text to be tokenised; the fastest of some rounds counts. Left out by engines that cannot. */
  readonly text?: string;
  /** Settings of the engine, in its script's own words. */
  readonly variant?: string;
}

export interface RequestResult extends Request {
  /** Tokens per second, of all sequences: the prompt with the choice of the first token; each further token with its choice. */
  readonly promptRate: number;
  readonly decodeRate: number;
  /** Processor seconds of the process, if it can tell. */
  readonly promptCpuS?: number;
  readonly decodeCpuS?: number;
}

export interface EngineResult {
  /** Name and version as the engine states them. */
  readonly version: string;
  /** From the call that opens the file until a context is ready. */
  readonly loadMs: number;
  /** Unix time in ms at which the first token of the first request was chosen. */
  readonly firstTokenAtMs: number;
  /** Unix time in ms from which that is counted, if not the start of the process: browsers are started beforehand. */
  readonly startedAtMs?: number;
  readonly peakRssBytes: number;
  readonly requests: readonly RequestResult[];
  /** Ids chosen in the first request, for comparing engines. */
  readonly ids: readonly number[];
  readonly tokenizeBytesPerS?: number;
}

const FIRST_WORD_ID = 259; // behind control tokens and bytes

/** BOS and `n - 1` scattered word ids, the same on every run. */
export function promptIds(n: number, nVocab: number): number[] {
  return Array.from({ length: n }, (_, i) =>
    i === 0 ? 1 : FIRST_WORD_ID + ((Math.imul(i, 2654435761) >>> 8) % (nVocab - FIRST_WORD_ID)),
  );
}
