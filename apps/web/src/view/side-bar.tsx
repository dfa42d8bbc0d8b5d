// The list of conversations, and what concerns all of them. Under 800 pixels it is a drawer.

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { importFile } from "../chat/exchange.ts";
import { download } from "../chat/platform.ts";
import type { Conversation } from "../chat/records.ts";
import { text } from "../text.ts";
import { IconButton } from "./icons.tsx";
import { ThemeChoice } from "./theme.tsx";

const SEARCH_MS = 150;

interface SideBarProps {
  readonly chat: Chat;
  readonly isOpen: Signal<boolean>;
  readonly aside: ComponentChildren;
  readonly onShortcuts: () => void;
}

export function SideBar({ chat, isOpen, aside, onShortcuts }: SideBarProps): JSX.Element {
  const words = useSignal("");
  const found = useSignal<ReadonlySet<string> | undefined>(undefined);
  const picker = useRef<HTMLInputElement>(null);
  const shown = [...chat.records.value.values()]
    .filter(({ id }) => found.value === undefined || found.value.has(id))
    .sort((a, b) => b.updated - a.updated);

  useEffect(() => {
    const wanted = words.value.trim();
    if (wanted === "") {
      found.value = undefined;
      return undefined;
    }
    const timer = setTimeout(() => {
      void chat.search(wanted).then((ids) => {
        if (words.peek().trim() === wanted) found.value = ids;
      });
    }, SEARCH_MS);
    return () => clearTimeout(timer);
  }, [words.value]);

  const close = (): void => {
    isOpen.value = false;
  };
  const exportAll = (): void =>
    void chat.exportJson().then((json) => download("conversations.json", "application/json", json));
  const importOne = async (file: File | undefined): Promise<void> => {
    try {
      if (file !== undefined) await chat.import(await importFile(file));
    } catch (error) {
      chat.notice.value = { text: error instanceof Error ? error.message : String(error) };
    }
  };

  return (
    <nav class={`side${isOpen.value ? " is-open" : ""}`} aria-label={text.conversations}>
      <div class="side-head">
        <button
          type="button"
          class="button"
          onClick={() => {
            chat.create();
            close();
          }}
        >
          {text.newConversation}
        </button>
        <span class="drawer-only">
          <IconButton icon="close" label={text.close} onClick={close} />
        </span>
      </div>
      {aside}
      <input
        class="field"
        id="search"
        type="search"
        aria-label={text.search}
        placeholder={text.search}
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
        }}
      />
      <ul class="conversations">
        {shown.map((one) => (
          <ConversationItem key={one.id} chat={chat} conversation={one} onShown={close} />
        ))}
      </ul>
      {shown.length === 0 && <p class="hint">{found.value === undefined ? text.noConversations : text.nothingFound}</p>}
      <div class="side-foot">
        {!chat.isKept.value && <p class="hint warning">{text.notKept}</p>}
        <div class="row">
          <IconButton icon="download" label={text.exportAll} onClick={exportAll} />
          <IconButton icon="upload" label={text.import} onClick={() => picker.current?.click()} />
          <IconButton icon="keyboard" label={text.shortcuts} onClick={onShortcuts} />
          <ThemeChoice />
        </div>
        <input
          ref={picker}
          class="off-screen"
          type="file"
          accept="application/json,.json"
          aria-label={text.import}
          tabIndex={-1}
          onChange={(event) => {
            void importOne(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </div>
    </nav>
  );
}

interface ItemProps {
  readonly chat: Chat;
  readonly conversation: Conversation;
  readonly onShown: () => void;
}

function ConversationItem({ chat, conversation: { id, name }, onShown }: ItemProps): JSX.Element {
  const renamed = useSignal<string | undefined>(undefined);
  const isCurrent = chat.open.value.id === id;
  const rename = (): void => {
    const wanted = renamed.peek()?.trim();
    renamed.value = undefined;
    if (wanted) chat.change(id, { name: wanted });
  };
  if (renamed.value !== undefined) {
    return (
      <li>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            rename();
          }}
        >
          <input
            class="field"
            aria-label={text.name}
            maxLength={200}
            value={renamed.value}
            ref={(field) => field?.focus()}
            onInput={(event) => {
              renamed.value = event.currentTarget.value;
            }}
            onBlur={rename}
            onKeyDown={(event) => {
              if (event.key === "Escape") renamed.value = undefined;
            }}
          />
        </form>
      </li>
    );
  }
  return (
    <li class={isCurrent ? "is-current" : ""}>
      <button
        type="button"
        class="conversation"
        aria-current={isCurrent ? "true" : undefined}
        onClick={() => {
          void chat.show(id);
          onShown();
        }}
      >
        <bdi>{name}</bdi>
      </button>
      <span class="item-actions">
        <IconButton
          icon="edit"
          label={`${text.rename}: ${name}`}
          onClick={() => {
            renamed.value = name;
          }}
        />
        <IconButton icon="trash" label={`${text.remove}: ${name}`} onClick={() => void chat.remove(id)} />
      </span>
    </li>
  );
}
