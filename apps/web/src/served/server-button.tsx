// What serves: model, slots, queue, version, and how to ask it from a program.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { request } from "../chat/connection.ts";
import { copyText } from "../chat/platform.ts";
import { text } from "../text.ts";
import { Dialog } from "../view/dialog.tsx";
import { IconButton } from "../view/icons.tsx";

/** What GET /props answers. */
interface Props {
  readonly model: string;
  readonly n_ctx: number;
  readonly total_slots: number;
  readonly slots_in_use: number;
  readonly waiting: number;
  readonly template: string;
  readonly kernels: string;
  readonly threads: number;
  readonly version: string;
  readonly limits: { readonly queue: number };
}

const POLL_MS = 2000;

export function ServerButton({ chat }: { readonly chat: Chat }): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <>
      <IconButton
        icon="server"
        label={text.server}
        onClick={() => {
          isOpen.value = true;
        }}
      />
      {isOpen.value && (
        <ServerDialog
          chat={chat}
          onClose={() => {
            isOpen.value = false;
          }}
        />
      )}
    </>
  );
}

function ServerDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }): JSX.Element {
  const props = useSignal<Props | undefined>(undefined);
  const trouble = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const look = async (): Promise<void> => {
      try {
        const response = await chat.withKey((connection, key) => request(connection, "/props", key, { signal }));
        props.value = await response.json();
        trouble.value = undefined;
      } catch (error) {
        if (!signal.aborted) trouble.value = chat.explain(error);
      }
    };
    void look();
    const timer = setInterval(look, POLL_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [chat]);

  const now = props.value;
  const rows: readonly (readonly [string, string])[] =
    now === undefined
      ? []
      : [
          [text.serverModel, now.model],
          [text.serverContext, text.tokens(now.n_ctx)],
          [text.serverSlots, text.serverOf(now.slots_in_use, now.total_slots)],
          [text.serverQueue, text.serverOf(now.waiting, now.limits.queue)],
          [text.serverDetails, `${now.template}, ${now.kernels}, ${now.threads}`],
          [text.serverVersion, now.version],
        ];
  const curl = `curl ${location.origin}/v1/chat/completions -H 'content-type: application/json' -d '{"messages": [{"role": "user", "content": "Hello!"}]}'`;
  const copy = async (): Promise<void> => {
    chat.notice.value = { text: (await copyText(curl)) ? text.copied : text.notCopied };
  };
  return (
    <Dialog title={text.server} onClose={onClose}>
      {trouble.value !== undefined && <p class="error">{trouble.value}</p>}
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>
        {text.serverApi} <code>{`${location.origin}/v1`}</code>
      </p>
      <div class="code">
        <div class="code-head">
          <span>sh</span>
          <button type="button" class="copy-code" onClick={() => void copy()}>
            {text.copy}
          </button>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
        <pre tabIndex={0}>
          <code>{curl}</code>
        </pre>
      </div>
    </Dialog>
  );
}
