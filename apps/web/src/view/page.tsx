// The whole page: conversations at the side, the open one, the field. The served page and the static page both show it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { text } from "../text.ts";
import { Composer } from "./composer.tsx";
import { ConversationLog } from "./conversation-log.tsx";
import { Dialog } from "./dialog.tsx";
import { IconButton } from "./icons.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { FullContext, NoticeLine } from "./notice-line.tsx";
import { RawText } from "./raw-text.tsx";
import { SettingsDialog } from "./settings-dialog.tsx";
import { SideBar } from "./side-bar.tsx";
import { TopBar } from "./top-bar.tsx";

export interface ChatPageProps {
  readonly chat: Chat;
  /** In the side bar, above the list of conversations. */
  readonly aside?: ComponentChildren;
  /** In the header, beside the name of the conversation. */
  readonly status?: ComponentChildren;
  /** Above the greeting of an empty conversation. */
  readonly start?: ComponentChildren;
  /** Below the greeting. */
  readonly hint?: string;
  /** In place of the conversation. */
  readonly main?: ComponentChildren;
}

export function ChatPage({ chat, aside, status, start, hint, main }: ChatPageProps): JSX.Element {
  const isDrawerOpen = useSignal(false);
  const dialog = useSignal<"settings" | "shortcuts" | undefined>(undefined);
  const isRaw = useSignal(false);
  const close = (which: "settings" | "shortcuts") => () => {
    if (dialog.peek() === which) dialog.value = undefined;
  };

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.isComposing) return;
      const isCommand = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      // asked of the page: a dialog that was closed says so a moment later
      const isInDialog = document.querySelector("dialog[open]") !== null;
      const isInField = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (isCommand && event.shiftKey && key === "o") {
        event.preventDefault();
        chat.create();
      } else if (isCommand && key === "k") {
        event.preventDefault();
        isDrawerOpen.value = true;
        requestAnimationFrame(() => document.getElementById("search")?.focus());
      } else if (key === "?" && !isInField && !isInDialog) {
        dialog.value = "shortcuts";
      } else if (key === "escape" && !isInDialog && !event.defaultPrevented) {
        if (isDrawerOpen.peek()) isDrawerOpen.value = false;
        else chat.answers.stop(chat.open.peek().id);
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [chat]);

  // what is chosen in the drawer is seen behind it
  const isReplaced = main !== undefined;
  useEffect(() => {
    isDrawerOpen.value = false;
  }, [isReplaced]);

  return (
    <div class="page">
      <SideBar
        chat={chat}
        isOpen={isDrawerOpen}
        aside={aside}
        onShortcuts={() => {
          dialog.value = "shortcuts";
        }}
      />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes the drawer, too */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: what is behind an open drawer */}
      <div
        class="curtain"
        hidden={!isDrawerOpen.value}
        onClick={() => {
          isDrawerOpen.value = false;
        }}
      />
      <div class="body">
        <TopBar
          chat={chat}
          status={status}
          isRaw={isRaw}
          onMenu={() => {
            isDrawerOpen.value = true;
          }}
          onSettings={() => {
            dialog.value = "settings";
          }}
        />
        <main class="main">
          {main ??
            (isRaw.value ? (
              <RawText chat={chat} />
            ) : (
              <>
                <ConversationLog chat={chat} start={<Greeting chat={chat} start={start} hint={hint} />} />
                <div class="column foot">
                  <Trouble chat={chat} />
                  <FullContext chat={chat} />
                  <Composer chat={chat} />
                </div>
              </>
            ))}
        </main>
      </div>
      <NoticeLine chat={chat} />
      <p class="off-screen" role="status">
        {chat.status.value}
      </p>
      {dialog.value === "settings" && <SettingsDialog chat={chat} onClose={close("settings")} />}
      {dialog.value === "shortcuts" && (
        <Dialog title={text.shortcuts} onClose={close("shortcuts")}>
          <dl class="shortcuts">
            {text.shortcutList.map(([keys, what]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
      {chat.wantsKey.value !== undefined && <KeyDialog chat={chat} onKey={chat.wantsKey.value} />}
    </div>
  );
}

interface GreetingProps {
  readonly chat: Chat;
  readonly start: ComponentChildren;
  readonly hint: string | undefined;
}

function Greeting({ chat, start, hint }: GreetingProps): JSX.Element {
  const model = chat.model.value;
  return (
    <div class="greeting">
      {start}
      {chat.connection.value !== undefined && (
        <>
          <p class="greeting-line">{model === undefined ? text.greeting : text.greetingWith(model.name)}</p>
          {hint !== undefined && <p class="hint">{hint}</p>}
        </>
      )}
    </div>
  );
}

/** Why nobody answers, and a way to ask again. */
function Trouble({ chat }: { readonly chat: Chat }): JSX.Element | null {
  const trouble = chat.trouble.value;
  if (trouble === undefined) return null;
  return (
    <p class="error row" role="alert">
      <span>{trouble}</span>
      <IconButton icon="again" label={text.tryAgain} onClick={() => void chat.reconnect()} />
    </p>
  );
}
