import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, get, post } from "./api";
import type { Editor } from "./editor";
import { count } from "./format";
import { useLive } from "./live";
import { mergePatch } from "./merge";
import type { Finding, Twin } from "./types";
import { Action, Empty, Panel, Told, useAction } from "./ui";
import { Reported } from "./reported";

interface Checked {
  findings: Finding[];
  bytes: number;
  refused: boolean;
}

export function TwinPage({ name }: { name: string }) {
  const { hub } = useLive();
  const [twin, read] = useState<Twin>();
  const load = () => get<Twin>("/api/twin").then(read, () => undefined); // the top line tells when nobody answers
  useEffect(() => void load(), [hub?.desired, hub?.reported]);
  if (!twin) return <Empty>Reading the twin…</Empty>;
  return (
    <div class="columns">
      <Desired twin={twin} signal={name} />
      <Panel title="Reported" aside={<Size bytes={twin.reportedBytes} max={twin.maxBytes} version={twin.reportedVersion} />}>
        <Reported document={twin.reported} version={twin.reportedVersion} />
      </Panel>
    </div>
  );
}

function Size({ bytes, max, version }: { bytes: number; max: number; version: number }) {
  return (
    <small class="size">
      version {version}
      <meter value={bytes} max={max} high={max * 0.875} aria-label="Size" /> {count(bytes)} of {count(max)} bytes
    </small>
  );
}

const text = (document: unknown): string => JSON.stringify(document, null, 2);

function Desired({ twin, signal }: { twin: Twin; signal: string }) {
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(undefined);
  const base = useRef(twin); // what the text in the editor was made from
  const [checked, look] = useState<Checked>();
  const [changed, change] = useState(false);
  const [force, insist] = useState(false);
  const { busy, outcome, run } = useAction();

  useEffect(() => {
    let ended = false;
    let check = 0;
    void import("./editor").then(({ Editor }) => {
      if (ended || !box.current) return;
      editor.current = new Editor(box.current, text(base.current.desired), (text) => {
        change(text !== JSON.stringify(base.current.desired, null, 2));
        clearTimeout(check);
        check = window.setTimeout(() => void tell(text), 250);
      });
      if (signal) editor.current.reveal(["signals", signal]);
      void tell(editor.current.text);
    });
    const tell = async (text: string) => {
      if (text.trim() === "") return;
      const c = await post<Checked>("/api/twin/check", text).catch(() => undefined);
      if (ended || !c || editor.current?.text !== text) return;
      look(c);
      editor.current.mark(c.findings);
    };
    return () => {
      ended = true;
      clearTimeout(check);
      editor.current?.destroy();
    };
  }, []);

  useEffect(() => {
    if (changed || twin.desiredVersion === base.current.desiredVersion) return;
    base.current = twin;
    editor.current?.replace(text(twin.desired));
  }, [twin.desiredVersion, changed]);

  const save = (patch: boolean) =>
    run(async () => {
      const document: unknown = JSON.parse(editor.current!.text);
      const request = patch ? { patch: mergePatch(base.current.desired, document) } : { replace: document };
      try {
        const { version } = await post<{ version: number }>("/api/twin", { ...request, base: base.current.desiredVersion, force });
        base.current = { ...twin, desired: document, desiredVersion: version };
        change(false);
        return `desired version ${version}`;
      } catch (e) {
        if (e instanceof Refusal && e.findings.length) editor.current!.mark(e.findings);
        throw e;
      }
    });

  const behind = changed && twin.desiredVersion !== base.current.desiredVersion;
  const reload = () => {
    base.current = twin;
    editor.current?.replace(text(twin.desired));
    change(false);
  };
  const refused = checked?.findings.filter((f) => f.severity === "refused") ?? [];
  return (
    <Panel title="Desired" aside={<Size bytes={checked?.bytes ?? twin.desiredBytes} max={twin.maxBytes} version={base.current.desiredVersion} />}>
      <div class="editor" ref={box} />
      <div class="bar twinbar">
        <Action label="Save as a patch" kind="primary" busy={busy || !changed || (refused.length > 0 && !force)} onPress={() => void save(true)} />
        <Action label="Save the whole" busy={busy || !changed || (refused.length > 0 && !force)} onPress={() => void save(false)} />
        {changed && <button type="button" onClick={reload}>Undo all</button>}
        <Told outcome={outcome} />
      </div>
      {behind && <p class="told bad" role="alert">Version {twin.desiredVersion} has come meanwhile: take it with “Undo all”, and make the change again.</p>}
      <Findings findings={checked?.findings ?? []} show={(path) => editor.current?.reveal(path.split("."))} />
      {refused.length > 0 && (
        <label class="force">
          <input type="checkbox" checked={force} onChange={(e) => insist(e.currentTarget.checked)} /> send it all the same, to see what the module makes of it
        </label>
      )}
    </Panel>
  );
}

function Findings({ findings, show }: { findings: Finding[]; show: (path: string) => void }) {
  if (findings.length === 0) return null;
  return (
    <ul class="findings" aria-label="Findings" aria-live="polite">
      {findings.map((f) => (
        <li key={f.path + f.reason} class={f.severity}>
          <button type="button" class="plain" onClick={() => show(f.path)}>
            <b>{f.severity}</b> {f.path || "the document"}
          </button>{" "}
          {f.reason} {f.hint && <i>{f.hint}</i>}
        </li>
      ))}
    </ul>
  );
}
