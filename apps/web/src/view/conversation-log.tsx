// The turns of the open conversation. The view follows its end only while it is there, and never while something in it is selected.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { copyText } from "../chat/platform.ts";
import { text } from "../text.ts";
import { Icon } from "./icons.tsx";
import { TurnView } from "./turn.tsx";

/** Nearer to the end than this is at the end. */
const NEAR_PX = 16;

/** The last turns are read at once. */
const NEAR_TURNS = 20;

export function ConversationLog({
  chat,
  start,
}: {
  readonly chat: Chat;
  readonly start: ComponentChildren;
}): JSX.Element {
  const scroller = useRef<HTMLElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  const opened = chat.open.value;
  const { leaf, settings, id } = chat.current.value;
  const turns = opened.turns(leaf);
  const leftOut = Number(settings["leave_out"] ?? 0);

  const toEnd = (): void => {
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };
  const onScroll = (): void => {
    const box = scroller.current;
    if (box !== null) isAtEnd.value = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR_PX;
  };

  useLayoutEffect(() => {
    isAtEnd.value = true;
    toEnd();
  }, [opened]);
  useEffect(() => {
    const box = inner.current;
    if (box === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.peek() && !isSelected(box)) toEnd();
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  return (
    <div class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section class="log" ref={scroller} onScroll={onScroll} tabIndex={0} aria-label={text.conversation}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the clicks are those of buttons inside */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the clicks are those of buttons inside */}
        <div class="column" ref={inner} onClick={(event) => copyCode(chat, event)}>
          {turns.length === 0 && start}
          {turns.map(({ id: turn, index, siblings }, i) => (
            <div key={turn}>
              {leftOut > 0 && i === leftOut && (
                <NotSentAbove onSendAll={() => chat.change(id, { settings: without(settings) })} />
              )}
              <TurnView
                chat={chat}
                opened={opened}
                id={turn}
                index={index}
                nSiblings={siblings.length}
                previous={siblings[index - 1]}
                next={siblings[index + 1]}
                isFar={i < turns.length - NEAR_TURNS}
              />
            </div>
          ))}
        </div>
      </section>
      {!isAtEnd.value && (
        <button type="button" class="button to-end" onClick={toEnd}>
          <Icon name="down" />
          {text.toTheEnd}
        </button>
      )}
    </div>
  );
}

function NotSentAbove({ onSendAll }: { readonly onSendAll: () => void }): JSX.Element {
  return (
    <p class="divider">
      <span>{text.notSentAbove}</span>
      <button type="button" class="link" onClick={onSendAll}>
        {text.sendAll}
      </button>
    </p>
  );
}

function without({ leave_out: _, ...rest }: Readonly<Record<string, number | string | boolean>>) {
  return rest;
}

function isSelected(box: HTMLElement): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && box.contains(selection.anchorNode);
}

/** The buttons of code blocks are part of what Markdown became: none of them has a listener of its own. */
function copyCode(chat: Chat, event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest(".copy-code") : null;
  const code = button?.closest(".code")?.querySelector("code")?.textContent;
  if (code === undefined || code === null) return;
  void copyText(code).then((isCopied) => {
    chat.notice.value = { text: isCopied ? text.copied : text.notCopied };
  });
}
