// System prompt and settings of the open conversation. A field that is empty is not sent.

import type { JSX } from "preact";
import type { Chat } from "../chat/chat.ts";
import { MAIN_SETTINGS, type NumberSetting, readSetting, SAMPLING_SETTINGS, schemaFlaw } from "../chat/settings.ts";
import { text } from "../text.ts";
import { Dialog } from "./dialog.tsx";
import { IconButton } from "./icons.tsx";

export function SettingsDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }): JSX.Element {
  const { id, system, settings } = chat.current.value;
  const set = (name: string, value: number | string | boolean | undefined): void => {
    const { [name]: _, ...rest } = chat.current.peek().settings;
    chat.change(id, { settings: value === undefined ? rest : { ...rest, [name]: value } });
  };
  const schema = String(settings["schema"] ?? "");
  const flaw = schemaFlaw(schema);
  const think = settings["think"];
  const usual = chat.model.value?.sampling ?? {};

  return (
    <Dialog title={text.settings} onClose={onClose}>
      <p class="hint">{text.settingsFor}</p>
      <label class="labelled">
        {text.systemPrompt}
        <textarea
          class="field"
          rows={3}
          dir="auto"
          value={system}
          onInput={(event) => chat.change(id, { system: event.currentTarget.value })}
        />
      </label>
      {MAIN_SETTINGS.map((one) => (
        <NumberField
          key={one.name}
          setting={one}
          usual={usual[one.name]}
          value={settings[one.name]}
          onChange={(value) => set(one.name, value)}
        />
      ))}
      <div class="setting">
        <label for="think">{text.think}</label>
        <select
          id="think"
          class="field"
          aria-describedby="think-help"
          value={think === undefined ? "standard" : think ? "on" : "off"}
          onChange={({ currentTarget: { value } }) => set("think", value === "standard" ? undefined : value === "on")}
        >
          {(["standard", "on", "off"] as const).map((choice) => (
            <option key={choice} value={choice}>
              {text.thinkChoices[choice]}
            </option>
          ))}
        </select>
        <p class="hint" id="think-help">
          {text.thinkHelp}
        </p>
      </div>
      <details>
        <summary>{text.sampling}</summary>
        {SAMPLING_SETTINGS.map((one) => (
          <NumberField
            key={one.name}
            setting={one}
            usual={usual[one.name]}
            value={settings[one.name]}
            onChange={(value) => set(one.name, value)}
          />
        ))}
        <label class="labelled">
          {text.stop_words}
          <textarea
            class="field"
            rows={2}
            value={String(settings["stop"] ?? "")}
            onInput={({ currentTarget: { value } }) => set("stop", value === "" ? undefined : value)}
          />
          <span class="hint">{text.stopHelp}</span>
        </label>
      </details>
      <details open={schema !== ""}>
        <summary>{text.schema}</summary>
        <label class="labelled">
          <span class="hint">{text.schemaHelp}</span>
          <textarea
            class="field code-field"
            rows={6}
            spellcheck={false}
            aria-label={text.schema}
            aria-invalid={flaw !== undefined}
            value={schema}
            onInput={({ currentTarget: { value } }) => set("schema", value === "" ? undefined : value)}
          />
        </label>
        {flaw !== undefined && <p class="error">{flaw}</p>}
      </details>
      <div class="row">
        <button type="button" class="button" onClick={() => chat.setDefaults()}>
          {text.asDefault}
        </button>
        <button type="button" class="button quiet" onClick={() => chat.change(id, { settings: {}, system: "" })}>
          {text.reset}
        </button>
      </div>
    </Dialog>
  );
}

interface NumberFieldProps {
  readonly setting: NumberSetting;
  /** What is taken where nothing is given. */
  readonly usual: number | undefined;
  readonly value: unknown;
  readonly onChange: (value: number | undefined) => void;
}

function NumberField({ setting, usual, value, onChange }: NumberFieldProps): JSX.Element {
  const { name, min, max, step } = setting;
  const isChanged = value !== undefined;
  return (
    <div class="setting">
      <label for={`setting-${name}`}>{name}</label>
      <input
        class="field"
        id={`setting-${name}`}
        type="number"
        inputMode="decimal"
        aria-describedby={`help-${name}`}
        min={min}
        max={max}
        step={step === 1 ? 1 : "any"}
        placeholder={text.standard(usual)}
        value={isChanged ? String(value) : ""}
        onChange={(event) => {
          const read = readSetting(setting, event.currentTarget.value);
          event.currentTarget.value = read === undefined ? "" : String(read);
          onChange(read);
        }}
      />
      {isChanged && <IconButton icon="close" label={`${text.reset}: ${name}`} onClick={() => onChange(undefined)} />}
      <p class="hint" id={`help-${name}`}>
        {text.settingHelp[name]}
      </p>
    </div>
  );
}
