// Asked for when a server refuses: its key. It stays in the tab, or in the browser if that is wanted.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { text } from "../text.ts";
import { Dialog } from "./dialog.tsx";

interface KeyDialogProps {
  readonly chat: Chat;
  /** undefined: none was given. */
  readonly onKey: (key: string | undefined) => void;
}

export function KeyDialog({ chat, onKey }: KeyDialogProps): JSX.Element {
  const [key, setKey] = useState("");
  const [isKept, setIsKept] = useState(false);
  return (
    <Dialog title={text.keyTitle} onClose={() => onKey(undefined)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() === "") return;
          chat.setKey(key.trim(), isKept);
          onKey(key);
        }}
      >
        <label class="labelled">
          {text.keyLabel}
          <input
            class="field"
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={isKept} onChange={(event) => setIsKept(event.currentTarget.checked)} />
          {text.keyRemember}
        </label>
        <button type="submit" class="button primary" disabled={key.trim() === ""}>
          {text.keySave}
        </button>
      </form>
    </Dialog>
  );
}
