import { useState } from "preact/hooks";
import { callMethod } from "./api";
import { micros } from "./format";
import { useLive } from "./live";
import type { SignalSpec } from "./types";
import { Action, Panel, Told, useAction } from "./ui";

interface Method {
  name: string;
  help: string;
  payload: (s: SignalSpec | undefined) => unknown;
}

/** The module's direct methods, each with a payload to begin with. */
const methods: Method[] = [
  { name: "ping", help: "Whether the module answers, its time and what it runs on.", payload: () => ({}) },
  { name: "status", help: "States and counts of the module and its signals. With filters, by pages.", payload: () => ({ limit: 20 }) },
  { name: "validate", help: "What the module would say of a desired document, without taking it.", payload: () => ({ desired: { schemaVersion: "1.0", guests: {}, signals: {} } }) },
  { name: "logs", help: "The last lines that a guest logged.", payload: (s) => ({ guest: s?.guest ?? "", lines: 20 }) },
  { name: "trace", help: "The next messages of a signal: input, verdict, outputs, times. It waits for them.", payload: (s) => ({ signal: s?.name ?? "", messages: 1, seconds: 10 }) },
  { name: "invoke", help: "A message through a signal's guest, in an instance beside: nothing is sent or kept.", payload: (s) => ({ signal: s?.name ?? "", message: { body: { machine: { temperature: 101 } } } }) },
  { name: "pause", help: "Has what comes for a signal wait in its spool.", payload: (s) => ({ signal: s?.name ?? "" }) },
  { name: "resume", help: "Ends a pause; the spool is worked off first.", payload: (s) => ({ signal: s?.name ?? "" }) },
  { name: "restart", help: "Starts the guest of a signal anew.", payload: (s) => ({ signal: s?.name ?? "" }) },
];

const other = "another method";

export function Methods(_: { name: string }) {
  const { flow } = useLive();
  const example = flow?.signals.find((s) => s.guest) ?? flow?.signals[0];
  const [name, choose] = useState("ping");
  const [own, call] = useState("");
  const [payload, edit] = useState("{}");
  const [answer, show] = useState<{ status: number; response: unknown; tookUs: number }>();
  const { busy, outcome, run } = useAction();
  const pick = (name: string) => {
    choose(name);
    edit(JSON.stringify(methods.find((m) => m.name === name)?.payload(example) ?? {}, null, 2));
  };
  const send = () =>
    run(async () => {
      show(undefined);
      const a = await callMethod(name === other ? own : name, payload.trim() ? JSON.parse(payload) : null);
      show(a);
      return `answered ${a.status} in ${micros(a.tookUs)}`;
    });
  return (
    <div class="columns">
      <Panel title="Call">
        <form class="stack" onSubmit={(e) => (e.preventDefault(), void send())}>
          <label>
            Method
            <select value={name} onChange={(e) => pick(e.currentTarget.value)}>
              {methods.map((m) => <option key={m.name}>{m.name}</option>)}
              <option>{other}</option>
            </select>
          </label>
          {name === other && (
            <label>
              Name
              <input value={own} onInput={(e) => call(e.currentTarget.value)} />
            </label>
          )}
          <p class="muted">{methods.find((m) => m.name === name)?.help ?? "Any method that the module may listen for."}</p>
          <label>
            Payload, JSON
            <textarea rows={10} spellcheck={false} value={payload} onInput={(e) => edit(e.currentTarget.value)} />
          </label>
          <div class="bar">
            <Action label={busy ? "Waiting…" : "Call"} kind="primary" busy={busy} onPress={() => void send()} />
            <Told outcome={outcome} />
          </div>
        </form>
      </Panel>
      <Panel title="Answer" aside={answer && <span class={`tag ${answer.status < 300 ? "good" : "bad"}`}>{answer.status}</span>}>
        <pre class="answer" tabIndex={0} aria-label="Answer">{answer ? JSON.stringify(answer.response, null, 2) : "Nothing has been called yet."}</pre>
      </Panel>
    </div>
  );
}
