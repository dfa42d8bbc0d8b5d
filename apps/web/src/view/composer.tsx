// The field in which one writes: sends with Enter, stops with Escape, keeps its draft over a reload.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { readStored, store } from "../chat/platform.ts";
import { text } from "../text.ts";
import { Icon } from "./icons.tsx";

/** On touch screens Enter is a new line: there is a button to send. */
const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

const MAX_ROWS = 10;

export function Composer({ chat }: { readonly chat: Chat }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const { id, leaf } = chat.current.value;
  const draftKey = `draft:${leaf === null ? "" : id}`;
  const typed = useSignal(readStored("localStorage", draftKey) ?? "");
  const isWriting = chat.answers.runs.value.has(id);
  const canAsk = chat.connection.value !== undefined;

  useEffect(() => {
    typed.value = readStored("localStorage", draftKey) ?? "";
    if (!isTouch()) field.current?.focus();
  }, [draftKey, typed]);

  const write = (words: string): void => {
    typed.value = words;
    store("localStorage", draftKey, words);
  };
  const send = (): void => {
    if (typed.peek().trim() === "" || isWriting || !canAsk) return;
    const words = typed.peek();
    write("");
    chat.say(words);
    field.current?.focus();
  };
  const stop = (): void => {
    chat.answers.stop(id);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // 229: a key that an input method takes, in browsers that say so a moment too late
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !isTouch()) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && typed.peek() === "") {
      const last = chat.open
        .peek()
        .path(chat.current.peek().leaf)
        .findLast(({ role }) => role === "user");
      if (last === undefined || isWriting) return;
      event.preventDefault();
      chat.editing.value = last.id;
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (isWriting) stop();
        else send();
      }}
    >
      <textarea
        ref={field}
        class="field"
        id="field"
        aria-label={text.fieldLabel}
        placeholder={canAsk ? text.fieldHint : text.noModel}
        dir="auto"
        rows={Math.min(MAX_ROWS, typed.value.split("\n").length)}
        value={typed.value}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="submit"
        class={`button primary round${isWriting ? " is-stop" : ""}`}
        aria-label={isWriting ? text.stop : text.send}
        title={isWriting ? text.stop : text.send}
        disabled={!isWriting && (typed.value.trim() === "" || !canAsk)}
      >
        <Icon name={isWriting ? "stop" : "send"} />
      </button>
    </form>
  );
}
