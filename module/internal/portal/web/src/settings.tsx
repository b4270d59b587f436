import { useEffect, useState } from "preact/hooks";
import { patchTwin } from "./api";
import { link } from "./router";
import type { SignalSpec } from "./types";
import { Action, Panel, Told, useAction } from "./ui";

/** What is worth turning while one looks on, beside the guest's own settings. */
const tunable = ["deadbandType", "deadbandValue", "scale", "offset"] as const;

interface Field {
  path: string[];
  value: unknown;
}

function fieldsOf(spec: SignalSpec): Field[] {
  const own = Object.entries(spec.settings ?? {}).filter(([, v]) => typeof v !== "object");
  const general = tunable.map((name) => ({ path: [name], value: spec[name] ?? 0 }));
  return [...own.map(([name, value]) => ({ path: ["settings", name], value })), ...general];
}

function parse(text: string, like: unknown): unknown {
  if (typeof like === "number") {
    const n = Number(text);
    if (text.trim() === "" || !Number.isFinite(n)) throw new Error(`${text || "nothing"} is no number`);
    return n;
  }
  return typeof like === "boolean" ? text === "true" : text;
}

function patchOf(signal: string, path: string[], value: unknown): unknown {
  return { signals: { [signal]: path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) } };
}

/** The signal's settings, changed by way of the twin. */
export function SettingsForm({ spec }: { spec: SignalSpec }) {
  return (
    <Panel title="Settings" aside={<a href={link("twin", spec.name)}>in the twin</a>}>
      <p class="muted">
        {describe(spec)}
      </p>
      <div class="fields">
        {fieldsOf(spec).map((f) => (
          <SettingField key={f.path.join(".")} signal={spec.name} field={f} />
        ))}
      </div>
    </Panel>
  );
}

function describe(spec: SignalSpec): string {
  const sources = spec.sources ? Object.values(spec.sources) : [spec.source];
  const from = sources.map((s) => (s.kind === "timer" ? "a timer" : `${s.kind} ${s.name}`)).join(", ");
  const what = typeof spec.selector === "string" ? `, ${spec.selector}` : "";
  return `From ${from}${what}${spec.guest ? `, through ${spec.guest}` : ""}, to ${spec.output || "the signals that read it"}${spec.unit ? `, in ${spec.unit}` : ""}.`;
}

function SettingField({ signal, field }: { signal: string; field: Field }) {
  const name = field.path.at(-1)!;
  const [text, edit] = useState(String(field.value));
  const { busy, outcome, run } = useAction();
  useEffect(() => edit(String(field.value)), [field.value]);
  const changed = text !== String(field.value);
  const save = () =>
    run(async () => {
      const { version } = await patchTwin(patchOf(signal, field.path, parse(text, field.value)));
      return `desired version ${version}`;
    });
  return (
    <form class="field" onSubmit={(e) => (e.preventDefault(), changed && void save())}>
      <label>
        {name}
        {name === "deadbandType" ? (
          <select value={text} onChange={(e) => edit(e.currentTarget.value)}>
            {["none", "absolute", "percent"].map((o) => <option key={o}>{o}</option>)}
          </select>
        ) : typeof field.value === "boolean" ? (
          <select value={text} onChange={(e) => edit(e.currentTarget.value)}>
            <option>true</option>
            <option>false</option>
          </select>
        ) : (
          <input inputMode={typeof field.value === "number" ? "decimal" : "text"} value={text} onInput={(e) => edit(e.currentTarget.value)} />
        )}
      </label>
      {changed && <Action label="Apply" kind="primary" busy={busy} onPress={() => void save()} />}
      <Told outcome={changed && outcome?.good ? undefined : outcome} />
    </form>
  );
}
