// What just happened, for some seconds, with a button to take it back.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
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
