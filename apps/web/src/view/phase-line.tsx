// What an answer is doing before its words come: waiting, reading the prompt, waiting to ask again.

import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Phase } from "../chat/answering.ts";
import { text } from "../text.ts";

export function PhaseLine({ phase }: { readonly phase: ReadonlySignal<Phase> }): JSX.Element | null {
  const now = phase.value;
  switch (now.kind) {
    case "waiting":
      return <p class="row phase">{text.waiting}</p>;
    case "retry":
      return <p class="row phase">{text.retryIn(now.seconds, now.reason)}</p>;
    case "prompt":
      return (
        <p class="row phase">
          <progress max={now.total} value={now.done} aria-label={text.readingPrompt(now.done, now.total)} />
          {text.readingPrompt(now.done, now.total)}
        </p>
      );
    default:
      return null;
  }
}
