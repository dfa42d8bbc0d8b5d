// Said before it is sent: the next turn has no room behind what was said so far.

import type { JSX } from "preact";
import { turnsToLeaveOut } from "../chat/answers.ts";
import type { Chat } from "../chat/chat.ts";
import { text } from "../text.ts";

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
