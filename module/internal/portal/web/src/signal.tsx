import { useEffect, useRef, useState } from "preact/hooks";
import { callMethod, get } from "./api";
import { bytes, clock, conditionOf, count, micros, quantile, rate } from "./format";
import { live, useLive } from "./live";
import { MessageDetail } from "./messages";
import { type Limit, Plot, kinds } from "./plot";
import { link } from "./router";
import { SettingsForm } from "./settings";
import { saveCase } from "./testcase";
import type { SignalSpec, Traced } from "./types";
import { Action, Empty, Figure, Panel, SignalBadge, Told, useAction } from "./ui";

const rowHeight = 37;
const rowsAround = 10;

const gravity = { bad: 0, warn: 1, paused: 2, idle: 3, ok: 4 };

/** All signals, those in trouble first. Only the rows in sight are in the page: there may be thousands. */
export function SignalTable() {
  const { signals, flow } = useLive();
  const [search, find] = useState("");
  const [top, scroll] = useState(0);
  const specs = new Map(flow?.signals.map((s) => [s.name, s]));
  const names = [...new Set([...specs.keys(), ...signals.keys()])];
  const word = search.toLowerCase();
  const rows = names
    .map((name) => ({ name, state: signals.get(name), spec: specs.get(name), ...conditionOf(signals.get(name)) }))
    .filter((r) => `${r.name} ${r.spec?.displayName ?? ""} ${r.spec?.guest ?? ""} ${r.word}`.toLowerCase().includes(word))
    .sort((a, b) => gravity[a.condition] - gravity[b.condition] || a.name.localeCompare(b.name));
  const first = Math.max(0, Math.floor(top / rowHeight) - rowsAround);
  const shown = rows.slice(first, first + Math.ceil(600 / rowHeight) + 2 * rowsAround);
  return (
    <>
      {names.length > 10 && (
        <label class="search">
          <span class="visually-hidden">Search signals</span>
          <input type="search" placeholder={`Search ${count(names.length)} signals by name, guest, state`} value={search} onInput={(e) => find(e.currentTarget.value)} />
        </label>
      )}
      <div class="tablebox" tabIndex={0} role="group" aria-label="Table of signals" onScroll={(e) => scroll(e.currentTarget.scrollTop)}>
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              <th scope="col">signal</th>
              <th scope="col">state</th>
              <th scope="col" class="wide">guest</th>
              <th scope="col" class="n">in</th>
              <th scope="col" class="n">out</th>
              <th scope="col" class="n wide">waiting</th>
              <th scope="col" class="n wide">dead</th>
            </tr>
          </thead>
          <tbody>
            {first > 0 && <Spacer rows={first} />}
            {shown.map((r, i) => (
              <tr key={r.name} aria-rowindex={first + i + 2}>
                <th scope="row">
                  <a href={link("signals", r.name)}>{r.name}</a>
                </th>
                <td title={r.state?.description}>
                  <SignalBadge signal={r.state} />
                </td>
                <td class="wide">{r.spec?.guest ?? <span class="muted">none</span>}</td>
                <td class="n">{rate(live.rates(r.name).in)}</td>
                <td class="n">{rate(live.rates(r.name).out)}</td>
                <td class="n wide">{count(r.state?.waiting ?? 0)}</td>
                <td class="n wide">{count(r.state?.deadLetters ?? 0)}</td>
              </tr>
            ))}
            {rows.length > first + shown.length && <Spacer rows={rows.length - first - shown.length} />}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <Empty>No signal is like that.</Empty>}
    </>
  );
}

function Spacer({ rows }: { rows: number }) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (row.current) row.current.style.height = `${rows * rowHeight}px`;
  }, [rows]);
  return <tr ref={row} aria-hidden="true" />;
}

export function SignalsPage() {
  return (
    <Panel title="All signals" class="list">
      <SignalTable />
    </Panel>
  );
}

export function SignalPage({ name }: { name: string }) {
  const { signals, flow, watched } = useLive();
  useEffect(() => {
    live.watch(name);
    return () => live.watch("");
  }, [name]);
  const state = signals.get(name);
  const spec = flow?.signals.find((s) => s.name === name);
  if (!state && !spec) return <Empty>{flow ? "There is no signal of this name in the twin." : "Reading the twin…"}</Empty>;
  return (
    <>
      <div class="bar">
        <SignalBadge signal={state} />
        {spec?.displayName && <span>{spec.displayName}</span>}
        {state?.description && <span class="muted">{state.description}</span>}
        <Controls name={name} paused={state?.paused ?? false} guest={spec?.guest} />
      </div>
      <PlotPanel name={name} spec={spec} />
      <Figures name={name} spec={spec} />
      <div class="columns">
        {spec && <SettingsForm spec={spec} />}
        {spec?.guest ? <Log guest={spec.guest} signal={name} /> : <Panel title="Log"><Empty>A signal without a guest logs nothing.</Empty></Panel>}
      </div>
      <LastMessages name={name} messages={watched.messages} />
    </>
  );
}

function Controls({ name, paused, guest }: { name: string; paused: boolean; guest: string | undefined }) {
  const { busy, outcome, run } = useAction();
  const call = (method: string, done: string) =>
    run(async () => {
      const { status, response } = await callMethod(method, { signal: name });
      if (status !== 200) throw new Error((response as { error?: { message?: string } }).error?.message ?? `the module answered ${status}`);
      return done;
    });
  return (
    <span class="controls">
      {paused ? <Action label="Resume" busy={busy} onPress={() => call("resume", "resumed")} /> : <Action label="Pause" busy={busy} onPress={() => call("pause", "paused: what comes waits in its spool")} />}
      {guest && <Action label="Restart guest" busy={busy} onPress={() => call("restart", "restarted")} />}
      <Told outcome={outcome} />
    </span>
  );
}

const spans = [30, 60, 300, 900];

function PlotPanel({ name, spec }: { name: string; spec: SignalSpec | undefined }) {
  const { watched, now } = useLive();
  const [seconds, span] = useState(60);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  useEffect(() => {
    plot.current = new Plot(box.current!);
    return () => plot.current?.destroy();
  }, [name]);
  const limits = limitsOf(spec);
  useEffect(() => {
    if (watched.signal === name) plot.current?.show(watched.points, limits, seconds, now || Date.now());
  });
  const last = watched.points.findLast((p) => p[2] === 0);
  return (
    <Panel
      title="Values"
      aside={
        <span class="legend">
          {kinds.map((k, i) => (
            <span key={k.name} class={`key kind${i}`}>
              <i aria-hidden="true" />
              {k.name}
            </span>
          ))}
          <label>
            <span class="visually-hidden">Time shown</span>
            <select value={seconds} onChange={(e) => span(Number(e.currentTarget.value))}>
              {spans.map((s) => (
                <option key={s} value={s}>
                  {s < 60 ? `${s} s` : `${s / 60} min`}
                </option>
              ))}
            </select>
          </label>
        </span>
      }
    >
      <div class="plot" ref={box} role="img" aria-label={`Values of ${name}${last ? `, the last one ${last[1]}` : ""}`} data-points={watched.points.length} data-limits={limits.map((l) => `${l.name}=${l.value}`).join()} />
      {watched.points.length === 0 && <Empty>Values are drawn from when this page is opened. Nothing has come yet.</Empty>}
    </Panel>
  );
}

/** Numbers among the settings that are limits by their name, and the range. */
function limitsOf(spec: SignalSpec | undefined): Limit[] {
  const all: Limit[] = [];
  for (const [name, value] of Object.entries(spec?.settings ?? {})) if (typeof value === "number" && /^(high|low|max|min|limit|threshold)/i.test(name)) all.push({ name, value });
  for (const name of ["rangeMin", "rangeMax"] as const) if (typeof spec?.[name] === "number") all.push({ name, value: spec[name] as number });
  return all;
}

function Figures({ name, spec }: { name: string; spec: SignalSpec | undefined }) {
  const { signals, watched } = useLive();
  const s = signals.get(name);
  const r = live.rates(name);
  const times = watched.messages.flatMap((m) => m.calls?.map((c) => c.tookUs) ?? []).sort((a, b) => a - b);
  return (
    <dl class="figures">
      <Figure label="in" value={rate(r.in)} note={`${count(s?.in ?? 0)} in all`} />
      <Figure label="out" value={rate(r.out)} note={`${count(s?.out ?? 0)} in all`} />
      <Figure label="dropped by the guest" value={count(s?.dropped ?? 0)} />
      <Figure label="dead letters" value={count(s?.deadLetters ?? 0)} note={s?.traps ? `${count(s.traps)} traps` : undefined} />
      {spec?.guest && <Figure label="time in guest" value={times.length ? micros(quantile(times, 0.5)) : "–"} note={times.length ? `p99 ${micros(quantile(times, 0.99))}` : "median"} />}
      {spec?.guest && <Figure label="memory" value={bytes(s?.memoryBytes ?? 0)} />}
      <Figure label="waiting" value={count(s?.waiting ?? 0)} note={s?.spooled ? `${count(s.spooled)} in the spool` : undefined} />
      {spec?.guest && <Figure label="restarts" value={count(s?.restarts ?? 0)} />}
    </dl>
  );
}

interface Line {
  time: number;
  level: string;
  signal: string;
  text: string;
}

function Log({ guest, signal }: { guest: string; signal: string }) {
  const [lines, show] = useState<Line[]>([]);
  useEffect(() => {
    let ended = false;
    const look = () =>
      get<Line[]>(`/api/logs?guest=${encodeURIComponent(guest)}&lines=200`).then(
        (l) => !ended && show(l.filter((line) => line.signal === signal).slice(-50).reverse()),
        () => undefined, // the top line tells what is the matter
      );
    void look();
    const timer = setInterval(look, 2000);
    return () => ((ended = true), clearInterval(timer));
  }, [guest, signal]);
  return (
    <Panel title="Log">
      {lines.length === 0 ? (
        <Empty>The guest {guest} has logged nothing for this signal.</Empty>
      ) : (
        <ol class="log" tabIndex={0} aria-label="Last log lines, newest first">
          {lines.map((l) => (
            <li key={`${l.time}${l.text}`} class={l.level}>
              <time>{clock(l.time)}</time> <b>{l.level}</b> {l.text}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function LastMessages({ name, messages }: { name: string; messages: Traced[] }) {
  const [held, hold] = useState<Traced[]>();
  const shown = [...(held ?? messages)].reverse();
  return (
    <Panel
      title="Last messages"
      aside={
        <button type="button" aria-pressed={held !== undefined} onClick={() => hold(held ? undefined : [...messages])}>
          {held ? "Follow" : "Hold still"}
        </button>
      }
    >
      {shown.length === 0 && <Empty>None since this page was opened.</Empty>}
      <ul class="messages">
        {shown.slice(0, 30).map((t, i) => (
          <TracedRow key={`${t.time} ${shown.length - i} ${t.message.properties?.["$.mid"] ?? ""}`} signal={name} t={t} />
        ))}
      </ul>
    </Panel>
  );
}

function verdictOf(t: Traced): { word: string; kind: string } {
  if (t.failure) return { word: "dead letter", kind: "bad" };
  const verdict = t.calls?.at(-1)?.verdict;
  const sent = t.outputs?.length ?? 0;
  if (!verdict) return sent ? { word: "sent", kind: "good" } : { word: "held back", kind: "" };
  return { word: verdict, kind: sent ? "good" : "" };
}

function TracedRow({ signal, t }: { signal: string; t: Traced }) {
  const { word, kind } = verdictOf(t);
  return (
    <li>
      <details>
        <summary>
          <time>{clock(t.time)}</time>
          <span class={`tag ${kind}`}>{word}</span>
          <span class="took">{micros(t.tookUs)}</span>
          <code>{t.message.body || "a tick or a heartbeat"}</code>
        </summary>
        {t.failure && <p class="told bad">{t.failure}</p>}
        <h3>Input{t.input && ` ${t.input}`}{t.source && `, source ${t.source}`}{t.partition && `, partition ${t.partition}`}</h3>
        <MessageDetail m={t.message} />
        {t.calls && (
          <p class="calls">
            {t.calls.map((c, i) => (
              <span key={i}>
                verdict <b>{c.verdict}</b> in {micros(c.tookUs)}, {bytes(c.memoryBytes)} of memory{c.error && `: ${c.error}`}
              </span>
            ))}
            <span>waited {micros(t.waitedUs)}, {micros(t.tookUs)} until all was sent</span>
          </p>
        )}
        {t.outputs?.map((o, i) => (
          <div key={i}>
            <h3>Sent to {o.output || "the signals that read this one"}</h3>
            <MessageDetail m={o} />
          </div>
        ))}
        {t.calls && (
          <button type="button" onClick={() => void saveCase(signal, t)}>
            Save as a test case
          </button>
        )}
      </details>
    </li>
  );
}
