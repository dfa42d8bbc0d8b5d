// The main loop of build 803: tokens go from the input to the model, from the model to the screen, and now and then the user has the word.

import type { PendingReport, TokenGenerator } from "@ll/llama";
import type { Sampler } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { Io } from "../../command.ts";
import type { RunParams } from "../../inference/params.ts";
import type { Timings } from "../../inference/timings.ts";
import type { MainConsole } from "./console.ts";
import { readLine } from "./line-editor.ts";

const EOS = 2;
const NEWLINE = 13;

/** Budget that means "until the context is full". */
export const UNTIL_FULL = -2;

export interface LoopSetup {
  readonly params: RunParams;
  readonly promptTokens: readonly number[];
  readonly generator: TokenGenerator;
  readonly sampler: Sampler;
  readonly tokenizer: Tokenizer;
  readonly console: MainConsole;
  readonly io: Io;
  readonly timings: Timings;
  /** Set by Ctrl-C: the user wants the word. */
  readonly interrupt: { requested: boolean; waiting: boolean };
  /** Called once, before the first token is drawn. */
  readonly beforeFirstSample: () => Promise<void>;
}

/** Bytes that are put round an instruction, and before a response, in instruct mode. */
const INSTRUCTION = "\n\n### Instruction:\n\n";
const RESPONSE = "\n\n### Response:\n\n";

export async function runLoop(setup: LoopSetup): Promise<void> {
  const { params, generator, tokenizer, console, io, timings, interrupt } = setup;
  const { reversePrompts } = params;
  const reverseBytes = reversePrompts.map((text) => new TextEncoder().encode(text));
  const instructionTokens = tokenizer.encode(INSTRUCTION, { bos: true }); // with BOS, as build 803 does
  const responseTokens = tokenizer.encode(RESPONSE);

  const input = [...setup.promptTokens]; // prompt and user tokens, all that came from outside
  let consumed = 0; // of input
  let remain = params.nPredict;
  let echo = true;
  let reversePromptHit = false;
  let sampledAny = false;
  let pending: readonly number[] = []; // what the next evaluation takes, for echo and the end-of-text check
  interrupt.requested = params.interactiveFirst;

  while ((remain !== 0 && !reversePromptHit) || params.interactive) {
    if (generator.pending.length > 0) {
      if (params.nPredict === UNTIL_FULL && generator.isFull) {
        io.err.write("\n\nmain: context full, stopping generation\n");
        break;
      }
      reportSkipped(await generator.evaluatePending(), console);
    }

    if (consumed >= input.length && !interrupt.requested) {
      if (!sampledAny) await setup.beforeFirstSample();
      sampledAny = true;
      const started = performance.now();
      const id = generator.sample((drawn) =>
        drawn === EOS && params.interactive && !params.instruct ? NEWLINE : drawn,
      );
      timings.sampled(performance.now() - started);
      if (id === EOS && params.interactive && !params.instruct && reversePrompts.length > 0) {
        input.push(...tokenizer.encode(reversePrompts[0] as string));
      }
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
      reversePromptHit = endsWithAny(generator.lastTokens, tokenizer, reverseBytes, params.interactive ? 0 : 2);
      if (reversePromptHit && params.interactive) {
        interrupt.requested = true;
        console.colour("user");
      }
      const hasPast = generator.nPast > 0;
      if (hasPast && interrupt.requested) {
        const turn = await userTurn(setup);
        if (turn === undefined) break; // end of input
        if (turn.length > 0) {
          if (params.instruct && !reversePromptHit) {
            consumed = input.length;
            input.push(...instructionTokens);
          }
          const ids = tokenizer.encode(turn);
          input.push(...ids);
          if (params.instruct) input.push(...responseTokens);
          remain -= ids.length;
        }
        echo = false;
      }
      if (hasPast) interrupt.requested = false;
    }

    if (pending.at(-1) === EOS) {
      if (!params.instruct) {
        io.err.write(" [end of text]\n");
        break;
      }
      interrupt.requested = true;
    }
    if (params.interactive && remain <= 0 && params.nPredict >= 0) {
      remain = params.nPredict;
      interrupt.requested = true;
    }
  }
}

/** Reads what the user says; an empty array if nothing, `undefined` at the end of input. */
async function userTurn({ params, console, interrupt }: LoopSetup): Promise<Uint8Array | undefined> {
  if (params.instruct) console.print("\n> ");
  if (params.inputPrefix !== "") console.print(params.inputPrefix);
  let said = "";
  let endOfInput = false;
  interrupt.waiting = true;
  console.colour("user");
  for (let more = true; more; ) {
    const line = await readLine(console, console, params.multilineInput);
    said += line.text;
    more = line.more;
    endOfInput = line.endOfInput;
  }
  interrupt.waiting = false;
  console.colour("default");
  if (said === "" && endOfInput) return undefined;

  const text = params.inputPrefix + said;
  // build 803 counts bytes, prefix included: it drops a one-letter answer and takes an empty line behind a prefix
  const isEmpty = params.compat ? Buffer.byteLength(text) <= 1 : said.trim() === "" && said.length <= 1;
  if (isEmpty) return new Uint8Array(0);
  if (params.inputSuffix !== "") console.print(params.inputSuffix);
  return new TextEncoder().encode(text + params.inputSuffix);
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
