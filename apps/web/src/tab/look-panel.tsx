// What was opened: what it is, what it needs, and the way to run it.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Look } from "./jobs.ts";
import type { LookedAt, Tab } from "./tab.ts";
import { countText, sizeText, tabText as text } from "./text.ts";
import { usefulThreads } from "./threads.ts";

export function LookPanel({ tab }: { readonly tab: Tab }): JSX.Element | null {
  const lookedAt = tab.lookedAt.value;
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.scrollIntoView({ block: "nearest" }), [lookedAt?.look]);
  if (lookedAt === undefined) return null;
  const { look } = lookedAt;
  return (
    <section ref={section} class="panel look" aria-labelledby="look-name">
      <div class="row">
        <h2 id="look-name" class="look-name">
          {look.name}
        </h2>
        <button type="button" class="button quiet" onClick={() => tab.close()}>
          {text.closeModel}
        </button>
      </div>
      <Facts look={look} />
      {look.warnings.map((warning) => (
        <p key={warning} class="warning hint">
          {warning}
        </p>
      ))}
      {look.kind === "model" && look.whyNot === undefined && <RunForm key={look.name} tab={tab} lookedAt={lookedAt} />}
    </section>
  );
}

function Facts({ look }: { readonly look: Look }): JSX.Element {
  const rows: readonly (readonly [string, string])[] = [
    [text.facts.format, `${look.format}${look.fileType === undefined ? "" : `, ${look.fileType}`}`],
    [text.facts.family, look.family],
    [text.facts.size, `${sizeText(look.bytes)}, ${countText(look.parameters)} ${text.facts.weights}`],
    [text.facts.weights, shares(look)],
    [text.facts.tokenizer, look.tokenizer || (look.kind === "checkpoint" ? text.inFolder : text.none)],
    ...(look.kind === "model"
      ? ([
          [text.facts.template, look.hasTemplate ? text.own : text.noTemplate],
          [text.facts.context, text.tokens(look.trainedContext ?? 0)],
        ] as const)
      : []),
    [text.facts.runs, look.kind === "checkpoint" ? text.checkpoint : (look.whyNot ?? text.yes)],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function shares({ types }: Look): string {
  const all = types.reduce((sum, { bytes }) => sum + bytes, 0);
  if (all === 0) return text.none;
  return types.map(({ type, bytes }) => `${type} ${Math.max(1, Math.round((100 * bytes) / all))} %`).join(", ");
}

function RunForm({ tab, lookedAt: { look, kept } }: { readonly tab: Tab; readonly lookedAt: LookedAt }): JSX.Element {
  const [context, setContext] = useState("");
  const [threads, setThreads] = useState(usefulThreads());
  const running = tab.running.value;
  const isLoading = running !== undefined && running.opened === undefined;
  const isBusy = isLoading || tab.work.value !== undefined;
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    void tab.run({ contextTokens: context === "" ? undefined : Number(context), threads });
  };
  return (
    <form class="choices" onSubmit={onSubmit}>
      <label class="labelled">
        {text.contextLabel}
        <select class="field" value={context} onChange={(event) => setContext(event.currentTarget.value)}>
          <option value="">{text.contextUsual}</option>
          {look.memory.map(({ contextTokens, bytes }) => (
            <option key={contextTokens} value={String(contextTokens)}>
              {text.tokens(contextTokens)}: {sizeText(bytes)}
            </option>
          ))}
        </select>
      </label>
      <label class="labelled">
        {text.threadsLabel}
        <select
          class="field"
          value={String(threads)}
          disabled={!crossOriginIsolated}
          onChange={(event) => setThreads(Number(event.currentTarget.value))}
        >
          {Array.from({ length: crossOriginIsolated ? Math.max(2, usefulThreads()) : 1 }, (_, i) => (
            <option key={i} value={String(i + 1)}>
              {i + 1}
            </option>
          ))}
        </select>
      </label>
      <div class="row">
        <button type="submit" class="button primary" disabled={isBusy}>
          {isLoading ? text.loading(running.progress) : text.run}
        </button>
        {kept !== undefined ? (
          <span class="hint">{text.keptAlready}</span>
        ) : (
          tab.canKeep.value && (
            <button type="button" class="button" disabled={isBusy} onClick={() => void tab.keep()}>
              {text.keep}
            </button>
          )
        )}
      </div>
    </form>
  );
}
