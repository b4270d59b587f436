import { useState } from "preact/hooks";
import { patchTwin, post } from "./api";
import { bytes, conditionOf, count, rate } from "./format";
import { live, useLive } from "./live";
import { go, link } from "./router";
import type { GuestSpec, Inspection } from "./types";
import { Action, Badge, Empty, Panel, Told, explain, useAction } from "./ui";

interface Dropped {
  file: File;
  name: string;
  inspection: Inspection;
}

export function Guests({ name }: { name: string }) {
  const { flow } = useLive();
  const [dropped, take] = useState<Dropped>();
  const [over, hover] = useState(false);
  const [problem, complain] = useState("");
  const look = async (file: File | undefined) => {
    if (!file) return;
    complain("");
    try {
      const inspection = await post<Inspection>("/api/guests/inspect", file);
      take({ file, name: nameOf(file.name), inspection });
    } catch (e) {
      complain(explain(e));
    }
  };
  return (
    <>
      <div
        class={`drop ${over ? "over" : ""}`}
        onDragOver={(e) => (e.preventDefault(), hover(true))}
        onDragLeave={() => hover(false)}
        onDrop={(e) => (e.preventDefault(), hover(false), void look(e.dataTransfer?.files[0]))}
      >
        <label class="file">
          Drop a .wasm here, or choose one
          <input type="file" accept=".wasm,application/wasm" onChange={(e) => void look(e.currentTarget.files?.[0])} />
        </label>
        {problem && <p class="told bad" role="alert">{problem}</p>}
      </div>
      {dropped && <Bind key={dropped.inspection.digest} dropped={dropped} done={() => take(undefined)} />}
      {flow?.guests.length === 0 && <Empty>The twin has no guests.</Empty>}
      <div class="cards">
        {flow?.guests.map((g) => <GuestCard key={g.name} guest={g} shown={g.name === name} />)}
      </div>
    </>
  );
}

const nameOf = (file: string): string => file.replace(/\.wasm$/i, "").replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64) || "guest";

function GuestCard({ guest, shown }: { guest: GuestSpec; shown: boolean }) {
  const { signals, flow } = useLive();
  const users = flow?.signals.filter((s) => s.guest === guest.name) ?? [];
  const states = users.map((u) => signals.get(u.name));
  const worst = states.map(conditionOf).sort((a, b) => order.indexOf(b.condition) - order.indexOf(a.condition))[0];
  const sum = (of: (name: string) => number) => users.reduce((n, u) => n + of(u.name), 0);
  const compared = sum((n) => signals.get(n)?.compared ?? 0);
  const differs = states.find((s) => s?.differs)?.differs;
  const digest = states.find((s) => s?.digest)?.digest ?? guest.digest ?? "";
  return (
    <Panel title={guest.name} class={shown ? "chosen" : ""} aside={worst ? <Badge condition={worst.condition}>{worst.word}</Badge> : <Badge condition="idle">not used</Badge>}>
      <dl class="properties">
        <dt>source</dt>
        <dd>{guest.source}</dd>
        <dt>digest</dt>
        <dd title={digest}>{digest ? digest.slice(0, 19) + "…" : "not known yet"}</dd>
        <dt>calls</dt>
        <dd>{rate(sum((n) => live.rates(n).calls))}, {(100 * sum((n) => live.rates(n).busy)).toFixed(1)} % of a processor</dd>
        <dt>memory</dt>
        <dd>{bytes(sum((n) => signals.get(n)?.memoryBytes ?? 0))} in {count(users.length)} instance{users.length === 1 ? "" : "s"}, each at most {bytes(guest.limits.memory ?? 0)}</dd>
        <dt>deadline</dt>
        <dd>{(guest.limits.deadline ?? 0) / 1e6} ms a call</dd>
        {states.some((s) => s?.probation) && <dt>probation</dt>}
        {states.some((s) => s?.probation) && <dd>on it in {count(states.filter((s) => s?.probation).length)} signals: the version before comes back if it fails</dd>}
        {compared > 0 && <dt>shadow</dt>}
        {compared > 0 && <dd>agreed in {count(sum((n) => signals.get(n)?.agreed ?? 0))} of {count(compared)} calls{differs && `; differs: ${differs}`}</dd>}
        <dt>signals</dt>
        <dd class="links">{users.slice(0, 12).map((u) => <a key={u.name} href={link("signals", u.name)}>{u.name}</a>)}{users.length > 12 && ` and ${count(users.length - 12)} more`}</dd>
      </dl>
    </Panel>
  );
}

const order = ["ok", "idle", "paused", "warn", "bad"];

/** What a dropped binary is, and the way to a signal: one press writes it beside the others, and changes the twin. */
function Bind({ dropped, done }: { dropped: Dropped; done: () => void }) {
  const { flow } = useLive();
  const { busy, outcome, run } = useAction();
  const [name, rename] = useState(dropped.name);
  const [signal, choose] = useState(flow?.signals[0]?.name ?? "");
  const i = dropped.inspection;
  const bind = async () => {
    const bound = await run(async () => {
      const { source, digest } = await post<{ source: string; digest: string }>(`/api/guests?name=${encodeURIComponent(name)}`, dropped.file);
      const patch = { guests: { [name]: { source, digest } }, signals: { [signal]: { guest: name } } };
      const { version } = await patchTwin(patch);
      return `bound with desired version ${version}`;
    });
    if (bound) (done(), go("signals", signal));
  };
  return (
    <Panel title={dropped.file.name} class="chosen" aside={<Badge condition={i.runs ? "ok" : "bad"}>{i.runs ? `runs here, as ${i.abi}` : "does not run here"}</Badge>}>
      {i.reason && <p class="told bad">{i.reason}</p>}
      {i.runs && (
        <form class="bar" onSubmit={(e) => (e.preventDefault(), void bind())}>
          <label>
            Guest
            <input value={name} pattern="[A-Za-z0-9_\-]{1,64}" onInput={(e) => rename(e.currentTarget.value)} />
          </label>
          <label>
            Signal
            <select value={signal} onChange={(e) => choose(e.currentTarget.value)}>
              {flow?.signals.map((s) => <option key={s.name}>{s.name}</option>)}
            </select>
          </label>
          <Action label="Bind" kind="primary" busy={busy} onPress={() => void bind()} />
          <button type="button" onClick={done}>Leave it</button>
          <Told outcome={outcome} />
        </form>
      )}
      <dl class="properties">
        <dt>size</dt>
        <dd>{bytes(i.bytes)}</dd>
        <dt>digest</dt>
        <dd>{i.digest}</dd>
        <dt>memory</dt>
        <dd>{bytes(i.memoryPages * 65536)} at the start</dd>
        {i.permissions.length > 0 && <dt>can use</dt>}
        {i.permissions.length > 0 && <dd>{i.permissions.join(", ")}</dd>}
        <dt>imports</dt>
        <dd class="code">{i.imports.join("\n") || "nothing"}</dd>
        <dt>exports</dt>
        <dd class="code">{i.exports.join("\n") || "nothing"}</dd>
      </dl>
    </Panel>
  );
}
