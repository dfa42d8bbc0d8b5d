// The panel of models: what can be opened, what was opened, what is kept.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../view/icons.tsx";
import { ConvertPanel } from "./convert-panel.tsx";
import { KeptPanel } from "./kept-panel.tsx";
import { LookPanel } from "./look-panel.tsx";
import { chosenFiles, droppedFiles } from "./picked.ts";
import type { Tab } from "./tab.ts";
import { tabText as text } from "./text.ts";
import { usefulThreads } from "./threads.ts";

export function ModelsPanel({ tab }: { readonly tab: Tab }): JSX.Element {
  const died = tab.died.value;
  const failure = tab.failure.value;
  const obstacle = tab.obstacle.value;
  return (
    <div class="models">
      <p>{text.intro}</p>
      {died !== undefined && (
        <p class="warning" role="alert">
          {text.died(died)}
        </p>
      )}
      <OpenPanel tab={tab} />
      {tab.looking.value && <p role="status">{text.looking}</p>}
      {failure !== undefined && (
        <div class="panel error" role="alert">
          <strong>{text.failed(failure.what)}:</strong> {failure.message}
          {failure.hint !== undefined && <div class="hint">{failure.hint}</div>}
        </div>
      )}
      <LookPanel tab={tab} />
      <ConvertPanel tab={tab} />
      <KeptPanel tab={tab} />
      {obstacle !== undefined && <p class="hint">{text.oneThread(obstacle)}</p>}
    </div>
  );
}

/** Dropping works on the whole page, so that nobody has to aim. */
function OpenPanel({ tab }: { readonly tab: Tab }): JSX.Element {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const isBusy = tab.looking.value || tab.work.value !== undefined;

  useEffect(() => {
    const onOver = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      if (event.dataTransfer === null) return;
      event.preventDefault();
      setOver(false);
      tab.isShown.value = true;
      void tab.openPicked(droppedFiles(event.dataTransfer));
    };
    addEventListener("dragover", onOver);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onOver);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  }, [tab]);

  const choose = (input: HTMLInputElement): void => {
    void tab.openPicked(Promise.resolve(chosenFiles(input.files)));
    input.value = ""; // the same choice again is a choice, too
  };

  return (
    <section class={`panel open ${isOver ? "is-over" : ""}`} aria-label={text.drop}>
      <p class="open-drop">
        <Icon name="upload" /> {text.drop}
      </p>
      <div class="row open-buttons">
        <button type="button" class="button primary" disabled={isBusy} onClick={() => files.current?.click()}>
          {text.pickFiles}
        </button>
        <button type="button" class="button" disabled={isBusy} onClick={() => folder.current?.click()}>
          {text.pickFolder}
        </button>
        <button type="button" class="button" disabled={isBusy} onClick={() => void tab.tryEmbedded(usefulThreads())}>
          {text.tryEmbedded}
        </button>
      </div>
      <p class="hint">{text.embeddedHint}</p>
      <input
        ref={files}
        class="pick-files"
        type="file"
        multiple
        hidden
        onChange={(event) => choose(event.currentTarget)}
      />
      <input
        ref={(input) => {
          folder.current = input;
          if (input !== null) input.webkitdirectory = true;
        }}
        class="pick-folder"
        type="file"
        hidden
        onChange={(event) => choose(event.currentTarget)}
      />
      <AddressForm tab={tab} isBusy={isBusy} />
    </section>
  );
}

function AddressForm({ tab, isBusy }: { readonly tab: Tab; readonly isBusy: boolean }): JSX.Element {
  const [url, setUrl] = useState("");
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    if (url.trim() !== "") void tab.open({ url: url.trim() });
  };
  return (
    <form class="address" onSubmit={onSubmit}>
      <label class="labelled">
        {text.address}
        <input
          class="field"
          type="url"
          inputmode="url"
          autocomplete="off"
          placeholder="https:// or hf:"
          value={url}
          onInput={(event) => setUrl(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button" disabled={isBusy || url.trim() === ""}>
        {text.openAddress}
      </button>
      <p class="hint">{text.addressHint}</p>
    </form>
  );
}
