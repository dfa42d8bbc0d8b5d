// The models that the browser keeps for this page.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../view/dialog.tsx";
import { IconButton } from "../view/icons.tsx";
import { download } from "./convert-panel.tsx";
import type { KeptModel } from "./store.ts";
import type { Tab } from "./tab.ts";
import { sizeText, tabText as text } from "./text.ts";

export function KeptPanel({ tab }: { readonly tab: Tab }): JSX.Element | null {
  const [doomed, setDoomed] = useState<KeptModel | undefined>(undefined);
  const kept = tab.kept.value;
  if (!tab.canKeep.value) return <p class="hint">{text.keepsNothing}</p>;
  if (kept.length === 0) return null;
  return (
    <section class="panel kept" aria-labelledby="kept-title">
      <div class="row">
        <h2 id="kept-title">{text.keptTitle}</h2>
        <span class="hint">{text.total(sizeText(kept.reduce((sum, { bytes }) => sum + bytes, 0)))}</span>
      </div>
      <ul class="kept-list">
        {kept.map((model) => (
          <li key={model.key} class="kept-item">
            <button type="button" class="conversation" onClick={() => void tab.openKept(model)}>
              <span class="kept-name">{model.name}</span>
              <span class="hint">
                {sizeText(model.bytes)}, {new Date(model.time).toLocaleDateString("en", { dateStyle: "medium" })}
              </span>
            </button>
            <IconButton
              icon="download"
              label={`${text.download} ${model.name}`}
              onClick={() => download(model.file, model.name)}
            />
            <IconButton icon="trash" label={text.removeKept(model.name)} onClick={() => setDoomed(model)} />
          </li>
        ))}
      </ul>
      {doomed !== undefined && (
        <Dialog title={text.confirmRemove(doomed.name)} onClose={() => setDoomed(undefined)}>
          <div class="row">
            <button
              type="button"
              class="button primary"
              onClick={() => {
                void tab.remove(doomed);
                setDoomed(undefined);
              }}
            >
              {text.remove}
            </button>
            <button type="button" class="button" onClick={() => setDoomed(undefined)}>
              {text.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
