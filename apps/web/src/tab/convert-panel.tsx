// Conversion and quantisation of what was opened.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Look, Made, Target } from "./jobs.ts";
import type { Tab } from "./tab.ts";
import { sizeText, tabText as text } from "./text.ts";

type Destination = "kept" | "disk" | "memory";

export function ConvertPanel({ tab }: { readonly tab: Tab }): JSX.Element | null {
  const { look, targets } = tab.lookedAt.value ?? {};
  const work = tab.work.value;
  const made = tab.made.value;
  if (look === undefined || targets?.length === 0) return null;
  return (
    <section class="panel convert" aria-labelledby="convert-title">
      <h2 id="convert-title">{text.convertTitle}</h2>
      {work === undefined && targets === undefined && (
        <button type="button" class="button" disabled={tab.looking.value} onClick={() => void tab.findTargets()}>
          {text.findTargets}
        </button>
      )}
      {work === undefined && targets !== undefined && (
        <ConvertForm key={look.name} tab={tab} look={look} targets={targets} />
      )}
      {work !== undefined && (
        <div class="work">
          <p role="status">
            {work.step.stage} {work.step.name}
          </p>
          <progress
            aria-label={work.step.stage}
            value={work.step.total === 0 ? undefined : work.step.done}
            max={work.step.total || 1}
          />
          <button type="button" class="button" onClick={work.stop}>
            {text.stop}
          </button>
        </div>
      )}
      {made !== undefined && <MadeFile tab={tab} made={made} />}
    </section>
  );
}

const QUANTISED = /^(?:q\d|iq|tq|mxfp4)/;
const USUAL = "Q4_K_M";

interface ConvertFormProps {
  readonly tab: Tab;
  readonly look: Look;
  readonly targets: readonly Target[];
}

function ConvertForm({ tab, look, targets }: ConvertFormProps): JSX.Element {
  const usual = targets.findIndex(({ type }) => type === USUAL);
  const [index, setIndex] = useState(Math.max(0, usual));
  const destinations: readonly Destination[] = [
    ...(tab.canKeep.value ? (["kept"] as const) : []),
    ...("showSaveFilePicker" in globalThis ? (["disk"] as const) : []),
    "memory",
  ];
  const [chosen, setChosen] = useState<Destination | undefined>(undefined);
  const [allowRequantize, setAllow] = useState(false);
  const destination = chosen ?? destinations[0] ?? "memory";
  const target = targets[index];
  const isQuantised = look.kind === "model" && look.types.some(({ type }) => QUANTISED.test(type));
  const names = { kept: text.toKept, disk: text.toDisk, memory: text.toMemory };

  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (target === undefined) return;
    const to = destination === "disk" ? await askForFile(look, target) : destination;
    if (to !== undefined) await tab.convert(target, { to, allowRequantize });
  };

  return (
    <form class="choices" onSubmit={(event) => void onSubmit(event)}>
      <label class="labelled">
        {text.targetLabel}
        <select class="field" value={String(index)} onChange={(event) => setIndex(Number(event.currentTarget.value))}>
          {targets.map((one, i) => (
            <option key={`${one.container} ${one.type}`} value={String(i)}>
              {targetText(one, look)}
            </option>
          ))}
        </select>
      </label>
      <label class="labelled">
        {text.toLabel}
        <select
          class="field"
          value={destination}
          onChange={(event) => setChosen(event.currentTarget.value as Destination)}
        >
          {destinations.map((one) => (
            <option key={one} value={one}>
              {names[one]}
            </option>
          ))}
        </select>
      </label>
      {isQuantised && (
        <label class="check">
          <input
            type="checkbox"
            checked={allowRequantize}
            onChange={(event) => setAllow(event.currentTarget.checked)}
          />
          {text.requantize}
        </label>
      )}
      <div class="row">
        <button type="submit" class="button" disabled={target === undefined || tab.looking.value}>
          {text.convert}
        </button>
      </div>
    </form>
  );
}

function targetText({ container, type, bytes, isExact }: Target, { parameters }: Look): string {
  const kind = container === "gguf" ? "GGUF" : "ggjt";
  const perWeight = ((8 * bytes) / Math.max(1, parameters)).toFixed(2);
  return `${kind} ${type}: ${isExact ? "" : "about "}${sizeText(bytes)}, ${perWeight} bits per weight`;
}

interface SavePicker {
  showSaveFilePicker(options: { readonly suggestedName: string }): Promise<FileSystemFileHandle>;
}

/** Undefined if the person changed their mind. */
async function askForFile({ name }: Look, { container, type }: Target): Promise<FileSystemFileHandle | undefined> {
  const stem = name.replace(/\.\w+$/, "");
  const suggestedName = `${stem}-${type.replaceAll(" ", "-")}.${container === "gguf" ? "gguf" : "bin"}`;
  try {
    return await (globalThis as unknown as SavePicker).showSaveFilePicker({ suggestedName });
  } catch {
    return undefined;
  }
}

function MadeFile({ tab, made }: { readonly tab: Tab; readonly made: Made }): JSX.Element {
  const kept = tab.kept.value.find(({ key }) => key === made.kept);
  const file = made.file ?? kept?.file;
  return (
    <div class="made">
      <p role="status">
        {text.made(made.name)} {sizeText(made.bytes)}
      </p>
      <p class="hint">
        sha256 <code class="sha256">{made.sha256}</code>
      </p>
      {made.warnings.map((warning) => (
        <p key={warning} class="warning hint">
          {warning}
        </p>
      ))}
      {file !== undefined && (
        <div class="row">
          <button
            type="button"
            class="button primary"
            onClick={() => void tab.open({ files: [{ path: made.name, file }] }, made.kept)}
          >
            {text.openMade}
          </button>
          <button type="button" class="button" onClick={() => download(file, made.name)}>
            {text.download}
          </button>
        </div>
      )}
    </div>
  );
}

export function download(file: File, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
