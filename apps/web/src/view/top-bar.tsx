// The header: which conversation, how full its context is, its settings and files.

import type { Signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import type { Chat } from "../chat/chat.ts";
import { exportMarkdown } from "../chat/exchange.ts";
import { download } from "../chat/platform.ts";
import { text } from "../text.ts";
import { IconButton } from "./icons.tsx";

interface TopBarProps {
  readonly chat: Chat;
  readonly status: ComponentChildren;
  readonly isRaw: Signal<boolean>;
  readonly onMenu: () => void;
  readonly onSettings: () => void;
}

export function TopBar({ chat, status, isRaw, onMenu, onSettings }: TopBarProps): JSX.Element {
  const { id, name, leaf } = chat.current.value;
  const fileName = `${name.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "conversation"}`;
  const saveMarkdown = (): void => {
    const markdown = exportMarkdown(chat.current.peek(), chat.open.peek().messages());
    download(`${fileName}.md`, "text/markdown", markdown);
  };
  const saveJson = (): void => {
    void chat.exportJson(id).then((json) => download(`${fileName}.json`, "application/json", json));
  };
  return (
    <header class="top">
      <span class="drawer-only">
        <IconButton icon="menu" label={text.menu} onClick={onMenu} />
      </span>
      <h1 class="top-name">
        <bdi>{name || text.newConversation}</bdi>
      </h1>
      <div class="tabs">
        {[false, true].map((isThis) => (
          <button
            key={String(isThis)}
            type="button"
            class="tab"
            aria-pressed={isRaw.value === isThis}
            onClick={() => {
              isRaw.value = isThis;
            }}
          >
            {isThis ? text.raw : text.chat}
          </button>
        ))}
      </div>
      <ContextMeter chat={chat} />
      {status}
      {leaf !== null && (
        <details class="menu" onToggle={closeElsewhere}>
          <summary class="icon-button" aria-label={text.exportAs} title={text.exportAs}>
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
              <path d="M12 4v11M7 11l5 5 5-5M5 20h14" />
            </svg>
          </summary>
          <div class="menu-body panel">
            <button type="button" class="button quiet" onClick={saveMarkdown}>
              {text.exportMarkdown}
            </button>
            <button type="button" class="button quiet" onClick={saveJson}>
              {text.exportJson}
            </button>
          </div>
        </details>
      )}
      <span class="top-settings">
        <IconButton icon="sliders" label={text.settings} onClick={onSettings} />
      </span>
    </header>
  );
}

/** A menu closes when something else is clicked. */
function closeElsewhere(event: { readonly currentTarget: HTMLDetailsElement }): void {
  const menu = event.currentTarget;
  if (!menu.open) return;
  const close = (click: Event): void => {
    const isSummary = click.target instanceof Node && menu.querySelector("summary")?.contains(click.target) === true;
    if (!isSummary) setTimeout(() => menu.removeAttribute("open"));
    document.removeEventListener("click", close);
  };
  document.addEventListener("click", close);
}

/** From this share on a context is nearly full. */
const NEARLY_FULL = 0.8;

function ContextMeter({ chat }: { readonly chat: Chat }): JSX.Element | null {
  const of = chat.model.value?.contextTokens ?? 0;
  const last = chat.open.value.turns(chat.current.value.leaf).at(-1);
  const usage = last === undefined ? undefined : chat.open.value.cell(last.id)?.value.usage;
  if (usage === undefined || of === 0) return null;
  const used = usage.prompt + usage.completion;
  const isNearlyFull = used >= NEARLY_FULL * of;
  const said = isNearlyFull ? `${text.context(used, of)}. ${text.contextNearlyFull}` : text.context(used, of);
  return (
    <span class={`meter${isNearlyFull ? " is-full" : ""}`} title={said}>
      <meter min={0} max={of} high={NEARLY_FULL * of} value={used} aria-label={text.contextLabel} />
      <span>{text.context(used, of)}</span>
    </span>
  );
}
