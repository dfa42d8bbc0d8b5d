// What just happened, for some seconds, with a button to take it back; and that the context is full.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { turnsToLeaveOut } from "../chat/answers.ts";
import type { Chat } from "../chat/chat.ts";
import { text } from "../text.ts";
import { IconButton } from "./icons.tsx";

const SHOWN_MS = 8000;

export function NoticeLine({ chat }: { readonly chat: Chat }): JSX.Element {
  const notice = chat.notice.value;
  const close = (): void => {
    chat.notice.value = undefined;
  };
  useEffect(() => {
    // one that asks for something stays until it is answered
    if (notice === undefined || notice.action !== undefined) return undefined;
    const timer = setTimeout(close, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div class="notice-frame" role="status">
      {notice !== undefined && (
        <p class="notice">
          <span>{notice.text}</span>
          {notice.undo !== undefined && (
            <button
              type="button"
              class="button"
              onClick={() => {
                close();
                notice.undo?.();
              }}
            >
              {notice.action ?? text.undo}
            </button>
          )}
          <IconButton icon="close" label={text.close} onClick={close} />
        </p>
      )}
    </div>
  );
}

/** Said before it is sent: the next turn has no room behind what was said so far. */
export function FullContext({ chat }: { readonly chat: Chat }): JSX.Element | null {
  const { id, leaf, settings } = chat.current.value;
  const opened = chat.open.value;
  const last = opened.turns(leaf).at(-1);
  const latest = last === undefined ? undefined : opened.cell(last.id)?.value; // the answer that grows
  if (latest?.usage === undefined) return null;
  const nTurns = turnsToLeaveOut(opened.path(leaf), chat.model.value?.contextTokens ?? 0);
  if (nTurns <= Number(settings["leave_out"] ?? 0)) return null;
  return (
    <p class="hint warning row" role="status">
      <span>{text.turnsWillNotFit(nTurns)}</span>
      <button type="button" class="button" onClick={() => chat.answers.leaveOut(id, nTurns)}>
        {text.leaveOut}
      </button>
    </p>
  );
}
