// One turn of a conversation, with what can be done with it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import type { OpenConversation } from "../chat/open-conversation.ts";
import { copyText } from "../chat/platform.ts";
import type { Message } from "../chat/records.ts";
import { text } from "../text.ts";
import { IconButton } from "./icons.tsx";
import { MarkdownText } from "./markdown-text.tsx";
import { PhaseLine } from "./phase-line.tsx";

interface TurnProps {
  readonly chat: Chat;
  readonly opened: OpenConversation;
  readonly id: string;
  /** Which of its siblings it is, from 0. */
  readonly index: number;
  readonly nSiblings: number;
  readonly previous: string | undefined;
  readonly next: string | undefined;
  /** Far from the end, where a conversation is opened. */
  readonly isFar: boolean;
}

export function TurnView(props: TurnProps): JSX.Element | null {
  const { chat, opened, id } = props;
  const message = opened.cell(id)?.value;
  if (message === undefined) return null;
  if (message.role === "assistant") return <AnswerTurn {...props} message={message} />;
  if (chat.editing.value === id) return <EditedTurn chat={chat} message={message} />;
  return (
    <article class="turn user">
      <h2 class="off-screen">{text.you}</h2>
      <p class="said" dir="auto">
        {message.content}
      </p>
      <div class="actions">
        <Branches {...props} message={message} />
        <IconButton icon="copy" label={text.copy} onClick={() => void copy(chat, message.content)} />
        <IconButton
          icon="edit"
          label={text.edit}
          onClick={() => {
            chat.editing.value = id;
          }}
        />
        <IconButton icon="again" label={text.regenerate} onClick={() => chat.regenerate(id)} />
        <IconButton icon="trash" label={text.removeTurn} onClick={() => chat.removeTurn(id)} />
      </div>
    </article>
  );
}

function AnswerTurn(props: TurnProps & { readonly message: Message }): JSX.Element {
  const { chat, opened, id, message } = props;
  const run = chat.answers.runs.value.get(opened.id);
  const isWriting = run?.message === id;
  const { content, error, finish } = message;
  const isCut = !isWriting && (finish === undefined || finish === "cut");
  const canGoOn = content !== "" && (isCut || finish === "length");
  return (
    <article class="turn answer" aria-live="off" aria-busy={isWriting}>
      <h2 class="off-screen">{text.answer}</h2>
      <Thought message={message} isThinking={isWriting && content === ""} />
      {content !== "" && <MarkdownText source={content} isGrowing={isWriting} isLazy={props.isFar} />}
      {isWriting && <PhaseLine phase={run.phase} />}
      {error !== undefined && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {!isWriting && (
        <>
          {error === undefined && isCut && <p class="hint">{text.cut}</p>}
          {finish === "length" && <p class="hint">{text.atLimit}</p>}
          <div class="actions">
            <Branches {...props} />
            <IconButton icon="copy" label={text.copy} onClick={() => void copy(chat, content)} />
            <IconButton
              icon="again"
              label={error === undefined ? text.regenerate : text.tryAgain}
              onClick={() => chat.regenerate(id)}
            />
            {canGoOn && (
              <IconButton icon="forward" label={text.goOn} onClick={() => void chat.answers.goOn(opened, id)} />
            )}
            <IconButton icon="trash" label={text.removeTurn} onClick={() => chat.removeTurn(id)} />
            <Figures chat={chat} message={message} />
          </div>
        </>
      )}
    </article>
  );
}

/** What the model thought before it answered, folded. */
function Thought({
  message,
  isThinking,
}: {
  readonly message: Message;
  readonly isThinking: boolean;
}): JSX.Element | null {
  const { reasoning, reasoningMs } = message;
  if (!reasoning) return null;
  const isOpenEnded = isThinking && reasoningMs === undefined;
  return (
    <details class="thought">
      <summary>{isOpenEnded ? text.thinking : text.thought((reasoningMs ?? 0) / 1000)}</summary>
      <MarkdownText source={reasoning} isGrowing={isOpenEnded} isLazy={!isThinking} />
    </details>
  );
}

function Figures({ chat, message }: { readonly chat: Chat; readonly message: Message }): JSX.Element | null {
  const { usage, timings, seed } = message;
  if (seed === undefined && usage === undefined) return null;
  const rate = usage && timings && timings.generateMs > 0 ? (usage.completion * 1000) / timings.generateMs : undefined;
  const keepSeed = (): void => {
    const { id, settings } = chat.current.peek();
    if (seed !== undefined) chat.change(id, { settings: { ...settings, seed } });
  };
  return (
    <p class="figures">
      {usage && <span>{text.tokens(usage.completion)}</span>}
      {rate !== undefined && <span>{text.tokensPerSecond(rate)}</span>}
      {timings && <span>{text.firstToken(timings.firstMs / 1000)}</span>}
      {seed !== undefined && (
        <button type="button" class="link" title={text.useSeed(seed)} onClick={keepSeed}>
          {text.seed(seed)}
        </button>
      )}
    </p>
  );
}

function Branches({
  chat,
  message,
  index,
  nSiblings,
  previous,
  next,
}: TurnProps & { readonly message: Message }): JSX.Element | null {
  if (nSiblings < 2) return null;
  const choose = (id: string | undefined) => () => id !== undefined && chat.choose(id);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div class="branches" role="group" aria-label={text.branches(message.content.slice(0, 40))}>
      <IconButton
        icon="left"
        label={text.previousBranch}
        onClick={choose(previous)}
        disabled={previous === undefined}
      />
      <span>{text.branch(index + 1, nSiblings)}</span>
      <IconButton icon="right" label={text.nextBranch} onClick={choose(next)} disabled={next === undefined} />
    </div>
  );
}

function EditedTurn({ chat, message }: { readonly chat: Chat; readonly message: Message }): JSX.Element {
  const [typed, setTyped] = useState(message.content);
  const close = (): void => {
    chat.editing.value = undefined;
  };
  const save = (): void => {
    close();
    if (typed.trim() !== "") chat.say(typed, message.parent);
  };
  return (
    <article class="turn user">
      <form
        class="edited"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <textarea
          class="field"
          aria-label={text.edit}
          dir="auto"
          rows={Math.min(12, typed.split("\n").length + 1)}
          value={typed}
          ref={(field) => field?.focus()}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") close();
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) save();
          }}
        />
        <div class="row">
          <button type="submit" class="button primary">
            {text.saveEdit}
          </button>
          <button type="button" class="button quiet" onClick={close}>
            {text.cancel}
          </button>
        </div>
      </form>
    </article>
  );
}

async function copy(chat: Chat, content: string): Promise<void> {
  chat.notice.value = { text: (await copyText(content)) ? text.copied : text.notCopied };
}
