// The main loop of build 803: tokens go from the input to the model, from the model to the screen, and now and then the user has the word.

import type { PendingReport, TokenGenerator } from "@ll/llama";
import { type GrammarStage, isGrammarError } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { Io } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import type { RunParams } from "../../inference/params.ts";
import type { Timings } from "../../inference/timings.ts";
import type { MainConsole } from "./console.ts";
import type { Guidance } from "./guidance.ts";
import type { Interrupt } from "./interaction.ts";
import { userTurn } from "./user-turn.ts";

/** Budget that means "until the context is full". */
const UNTIL_FULL = -2;

export interface LoopSetup {
  readonly params: RunParams;
  readonly promptTokens: readonly number[];
  readonly generator: TokenGenerator;
  readonly guidance: Guidance | undefined;
  readonly grammar: GrammarStage | undefined;
  readonly tokenizer: Tokenizer;
  readonly console: MainConsole;
  readonly io: Io;
  readonly timings: Timings;
  readonly interrupt: Interrupt;
  /** Called once, before the first token is drawn. */
  readonly beforeFirstSample: () => Promise<void>;
}

/** Bytes that are put round an instruction, and before a response, in instruct mode. */
const INSTRUCTION = "\n\n### Instruction:\n\n";
const RESPONSE = "\n\n### Response:\n\n";

/** What was generated, and why it ended: the model's own end, a reverse prompt, `--n-predict`, or a full context. */
export interface Generated {
  /** All ids that were drawn, also that of the end of the text. */
  readonly ids: readonly number[];
  readonly finish: "eos" | "stop" | "length" | "full" | "end of input";
}

/** @throws Refusal if the grammar permits no token, or guidance does not fit its context */
export async function runLoop(setup: LoopSetup): Promise<Generated> {
  const { params, generator, guidance, grammar, tokenizer, console, io, interrupt } = setup;
  const { interactive, instruct, keepEos, reversePrompts } = params;
  const { bos, newline, ends } = tokenizer.special;
  const isEnd = (id: number | undefined): boolean => id !== undefined && ends.has(id);
  const userPrefix = params.inputPrefixBos && bos !== undefined ? [bos] : [];
  const reverseBytes = reversePrompts.map((text) => new TextEncoder().encode(text));
  const firstReverseTokens = reversePrompts.slice(0, 1).flatMap((text) => [...tokenizer.encode(text)]);
  const instructionTokens = tokenizer.encode(INSTRUCTION, { bos: tokenizer.addBos }); // as build 803 does
  const responseTokens = tokenizer.encode(RESPONSE);

  const input = [...setup.promptTokens]; // prompt and user tokens, all that came from outside
  let consumed = 0; // of input
  let remain = params.nPredict;
  let echo = params.displayPrompt;
  let reversePromptHit = false;
  const ids: number[] = [];
  let pending: readonly number[] = []; // what the next evaluation takes, for echo and the end-of-text check
  interrupt.requested = params.interactiveFirst;

  while ((remain !== 0 && !reversePromptHit) || interactive) {
    if (generator.pending.length > 0) {
      if (params.nPredict === UNTIL_FULL && generator.isFull) {
        io.err.write("\n\nmain: context full, stopping generation\n");
        return { ids, finish: "full" };
      }
      const report = await generator.evaluatePending(remain > 0 && !interactive ? { mostDrafted: remain - 1 } : {});
      reportSkipped(report, console);
      await guidance?.follow(report);
    }

    if (consumed >= input.length && !interrupt.requested) {
      if (ids.length === 0) await setup.beforeFirstSample();
      // build 803 goes on behind an end of text as if it were a new line
      const goesOn = interactive && !instruct && !keepEos;
      const id = draw(setup, (drawn) => (isEnd(drawn) && goesOn ? (newline ?? drawn) : drawn));
      ids.push(id);
      if (isEnd(id) && goesOn) input.push(...firstReverseTokens);
      echo = true;
      remain -= 1;
    } else {
      const batch = input.slice(consumed, consumed + params.batchTokens);
      consumed += batch.length;
      generator.accept(batch);
    }
    pending = generator.pending;

    if (echo) for (const id of pending) console.print(tokenizer.tokenBytes(id));
    if (echo && consumed === input.length) console.colour("default");

    if (consumed >= input.length) {
      reversePromptHit = endsWithAny(generator.lastTokens, tokenizer, reverseBytes, interactive ? 0 : 2);
      if (reversePromptHit && interactive) {
        interrupt.requested = true;
        console.colour("user");
      }
      if (keepEos && interactive && isEnd(generator.lastTokens.at(-1))) {
        endTurn(params, console);
        input.push(...firstReverseTokens);
        if (reversePrompts.length > 0) reversePromptHit = true;
        interrupt.requested = true;
        console.colour("user");
      }

      const hasPast = generator.nPast > 0;
      if (hasPast && interrupt.requested) {
        // llama.cpp's later builds put a BOS also before a line that turns out to be empty
        if (params.compat) input.push(...userPrefix);
        const turn = await userTurn(params, console, interrupt);
        if (turn === undefined) return { ids, finish: "end of input" };
        if (turn.length > 0) {
          if (!params.compat) input.push(...userPrefix);
          if (instruct && !reversePromptHit) {
            consumed = input.length;
            input.push(...instructionTokens);
          }
          const ids = tokenizer.encode(turn);
          input.push(...ids);
          if (instruct) input.push(...responseTokens);
          remain -= ids.length;
        }
        echo = false;
        grammar?.reset();
      }
      if (hasPast) interrupt.requested = false;
    }

    if (isEnd(pending.at(-1)) && !(keepEos && interactive)) {
      if (!instruct) {
        io.err.write(" [end of text]\n");
        return { ids, finish: "eos" };
      }
      interrupt.requested = true;
    }
    if (interactive && remain <= 0 && params.nPredict >= 0) {
      remain = params.nPredict;
      interrupt.requested = true;
    }
  }
  return { ids, finish: reversePromptHit ? "stop" : "length" };
}

/** Draws a token. @throws Refusal if the grammar permits none */
function draw({ generator, timings }: LoopSetup, substitute: (id: number) => number): number {
  const started = performance.now();
  try {
    return generator.sample(substitute);
  } catch (error) {
    if (!isGrammarError(error)) throw error;
    const isComplete = error.message.startsWith("the grammar is complete");
    throw new Refusal(error.message, isComplete ? "without --ignore-eos the text ends there" : undefined);
  } finally {
    timings.sampled(performance.now() - started);
  }
}

/** Shows that an end of text has given the user the word, in the words that now come into the context. */
function endTurn({ compat, instruct, reversePrompts }: RunParams, console: MainConsole): void {
  // llama.cpp's later builds print one newline, also in front of the one of instruct mode, and keep the text to themselves
  if (compat) console.print("\n");
  else if (!instruct) console.print(`\n${reversePrompts[0] ?? ""}`);
}

function reportSkipped({ nSkipped }: PendingReport, console: MainConsole): void {
  if (nSkipped === 0) return;
  console.colour("error");
  console.print(`<<input too long: skipped ${nSkipped} token${nSkipped === 1 ? "" : "s"}>>`);
  console.colour("default");
}

/** True if the text of the last tokens ends in one of `texts`, give or take `slack` bytes behind it. */
function endsWithAny(
  lastTokens: Int32Array,
  tokenizer: Tokenizer,
  texts: readonly Uint8Array[],
  slack: number,
): boolean {
  if (texts.length === 0) return false;
  const longest = Math.max(...texts.map((text) => text.byteLength)) + slack;
  const tail: Uint8Array[] = [];
  let bytes = 0;
  for (let i = lastTokens.length - 1; i >= 0 && bytes < longest; i--) {
    const text = tokenizer.tokenBytes(lastTokens[i] as number);
    tail.unshift(text);
    bytes += text.byteLength;
  }
  const end = Buffer.concat(tail);
  return texts.some((text) => {
    const from = Math.max(0, end.byteLength - (text.byteLength + slack));
    return end.indexOf(text, from) >= 0;
  });
}
