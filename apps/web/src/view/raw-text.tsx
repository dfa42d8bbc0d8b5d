// A text that the model goes on with, without a template: for people who test models.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type AnswerEnd, type Phase, streamAnswer } from "../chat/answering.ts";
import type { Chat } from "../chat/chat.ts";
import { readStored, store } from "../chat/platform.ts";
import { requestFields } from "../chat/settings.ts";
import { text } from "../text.ts";
import { PhaseLine } from "./phase-line.tsx";

const DRAFT = "draft:raw";
const MAX_TOKENS = 128;

export function RawText({ chat }: { readonly chat: Chat }): JSX.Element {
  const typed = useSignal(readStored("localStorage", DRAFT) ?? "");
  const before = useSignal<string | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);
  const phase = useSignal<Phase>({ kind: "waiting" });
  const trouble = useSignal<string | undefined>(undefined);
  const end = useSignal<AnswerEnd | undefined>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);

  const write = (words: string): void => {
    typed.value = words;
    store("localStorage", DRAFT, words);
  };
  const generate = async (): Promise<void> => {
    const controller = new AbortController();
    const prompt = typed.peek();
    before.value = prompt;
    running.value = controller;
    trouble.value = undefined;
    end.value = undefined;
    const ask = chat.ask.bind(chat);
    const fields = { max_tokens: MAX_TOKENS, ...requestFields(chat.current.peek().settings, false), prompt };
    chat.status.value = text.statusAnswering;
    try {
      end.value = await streamAnswer(ask, "/v1/completions", fields, controller.signal, {
        onPhase: (now) => {
          phase.value = now;
        },
        onSeed: () => undefined,
        onThought: () => undefined,
        onText: (piece) => write(typed.peek() + piece),
      });
      chat.status.value = text.statusDone(end.value.usage?.completion ?? 0);
    } catch (error) {
      chat.status.value = controller.signal.aborted ? text.statusStopped : text.statusFailed;
      if (!controller.signal.aborted) trouble.value = chat.explain(error);
    }
    running.value = undefined;
    field.current?.focus();
  };
  const takeBack = (): void => {
    if (before.peek() !== undefined) write(before.peek() ?? "");
    before.value = undefined;
  };
  useEffect(() => () => running.peek()?.abort(), []);

  const { usage, timings } = end.value ?? {};
  const isRunning = running.value !== undefined;
  return (
    <div class="raw column">
      <p class="hint">{text.rawHint}</p>
      <textarea
        ref={field}
        class="field"
        dir="auto"
        aria-label={text.rawLabel}
        aria-busy={isRunning}
        readOnly={isRunning}
        value={typed.value}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") running.peek()?.abort();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isRunning) void generate();
        }}
      />
      {isRunning && <PhaseLine phase={phase} />}
      {trouble.value !== undefined && (
        <p class="error" role="alert">
          {trouble.value}
        </p>
      )}
      <div class="row">
        {isRunning ? (
          <button type="button" class="button primary" onClick={() => running.peek()?.abort()}>
            {text.stop}
          </button>
        ) : (
          <button
            type="button"
            class="button primary"
            disabled={chat.connection.value === undefined}
            onClick={() => void generate()}
          >
            {text.generate}
          </button>
        )}
        <button
          type="button"
          class="button quiet"
          disabled={isRunning || before.value === undefined}
          onClick={takeBack}
        >
          {text.takeBack}
        </button>
        {usage && timings && timings.generateMs > 0 && (
          <p class="figures">
            <span>{text.tokens(usage.completion)}</span>
            <span>{text.tokensPerSecond((usage.completion * 1000) / timings.generateMs)}</span>
          </p>
        )}
      </div>
    </div>
  );
}
