// The static page: the chat, with the panel of models in it.

import type { JSX } from "preact";
import type { Chat } from "../chat/chat.ts";
import { Icon, IconButton } from "../view/icons.tsx";
import { ChatPage } from "../view/page.tsx";
import { ModelsPanel } from "./models-panel.tsx";
import type { Tab } from "./tab.ts";
import { tabText as text } from "./text.ts";

export function TabPage({ chat, tab }: { readonly chat: Chat; readonly tab: Tab }): JSX.Element {
  const isShown = tab.isShown.value;
  return (
    <ChatPage
      chat={chat}
      aside={
        <button
          type="button"
          class="button"
          aria-pressed={isShown}
          onClick={() => {
            tab.isShown.value = !isShown;
          }}
        >
          <Icon name="server" /> {text.models}
        </button>
      }
      status={<Status tab={tab} />}
      main={
        isShown ? (
          <div class="log models-frame">
            <div class="column">
              <div class="row models-head">
                <h2>{text.models}</h2>
                {tab.running.value?.opened !== undefined && (
                  <button
                    type="button"
                    class="button quiet"
                    onClick={() => {
                      tab.isShown.value = false;
                    }}
                  >
                    {text.back}
                  </button>
                )}
              </div>
              <ModelsPanel tab={tab} />
            </div>
          </div>
        ) : undefined
      }
    />
  );
}

function Status({ tab }: { readonly tab: Tab }): JSX.Element | null {
  const running = tab.running.value;
  if (running === undefined) return null;
  const { name, opened, progress } = running;
  return (
    <div class="row running">
      <span class="hint running-text">
        {opened === undefined
          ? `${name}: ${text.loading(progress)}`
          : `${name}: ${opened.threads === 1 ? "1 thread" : `${opened.threads} threads`}, ${opened.kernels}`}
      </span>
      <IconButton icon="close" label={text.unload} onClick={() => tab.unload()} />
    </div>
  );
}
