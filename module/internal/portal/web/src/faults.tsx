import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api";
import { clock, count } from "./format";
import { useLive } from "./live";
import type { Account, Signal } from "./types";
import { Action, Badge, Empty, Figure, Panel, Told, useAction } from "./ui";

interface Preset {
  label: string;
  help: string;
  line: string;
  undo?: { label: string; line: string };
}

const presets: Preset[] = [
  { label: "Cut the connection", help: "The hub closes it; what is in flight comes again.", line: "drop" },
  { label: "Hold acknowledgements", help: "What the module sends is routed and not acknowledged.", line: "hold-acks", undo: { label: "Release", line: "release-acks" } },
  { label: "Restart the hub", help: "Away for two seconds; what was acknowledged since its last checkpoint comes again.", line: "restart 2s" },
  { label: "Go offline", help: "edgeHub loses IoT Hub: messages wait, the twin does not move.", line: "offline 20s", undo: { label: "Go online", line: "online" } },
  { label: "Expire the token", help: "The connection ends, and the same token opens no other.", line: "expire-token" },
  { label: "Refuse three connects", help: "Answered with “server unavailable”.", line: "refuse 3" },
  { label: "Serve an empty twin", help: "What an offline edgeHub hands out that never saw it.", line: "twin empty", undo: { label: "Serve the true one", line: "twin true" } },
];

export function Faults(_: { name: string }) {
  const live = useLive();
  const { busy, outcome, run } = useAction();
  const [line, edit] = useState("");
  const [help, know] = useState<string[]>([]);
  useEffect(() => void get<string[]>("/api/faults").then(know, () => undefined), []);
  const make = (line: string) =>
    run(async () => {
      const { made } = await post<{ made: string }>("/api/faults", { line });
      return `${line}: ${made || "done"}`;
    });
  return (
    <>
      {live.hub && <AccountPanel a={live.hub.account} signals={[...live.signals.values()]} />}
      <div class="columns">
        <Panel title="Make a fault">
          <ul class="faults">
            {presets.map((p) => (
              <li key={p.line}>
                <span>
                  <Action label={p.label} busy={busy} onPress={() => void make(p.line)} />
                  {p.undo && <Action label={p.undo.label} busy={busy} onPress={() => void make(p.undo!.line)} />}
                </span>
                <small>{p.help}</small>
              </li>
            ))}
            <Poison busy={busy} run={run} />
          </ul>
          <form class="bar" onSubmit={(e) => (e.preventDefault(), void make(line))}>
            <label class="grow">
              Any other, in words
              <input list="faults" value={line} placeholder="delay-acks 2s" onInput={(e) => edit(e.currentTarget.value)} />
            </label>
            <datalist id="faults">
              {help.map((h) => <option key={h} value={h.split(/\s{2,}/)[0]}>{h.split(/\s{2,}/)[1]}</option>)}
            </datalist>
            <Action label="Make it" busy={busy} onPress={() => void make(line)} />
          </form>
          <Told outcome={outcome} />
        </Panel>
        <Panel title="What happened">
          {live.events.length === 0 ? (
            <Empty>Nothing yet.</Empty>
          ) : (
            <ol class="log" tabIndex={0} aria-label="Events, newest first">
              {[...live.events].reverse().map((e, i) => (
                <li key={live.events.length - i} class={e.kind}>
                  <time>{clock(e.time)}</time> <b>{e.kind}</b> {e.text}
                </li>
              ))}
            </ol>
          )}
        </Panel>
      </div>
    </>
  );
}

/** Sends what no signal can read, as a sender of the deployment. */
function Poison({ busy, run }: { busy: boolean; run: (what: () => Promise<string>) => Promise<boolean> }) {
  const { flow } = useLive();
  const source = flow?.sources.find((s) => s.module);
  if (!source) return null;
  const poison = () =>
    run(async () => {
      await post("/api/messages", { module: source.module, output: source.output, body: '{"machine":{"temperature":' });
      return `a message that is no JSON went to input ${source.input}`;
    });
  return (
    <li>
      <span>
        <Action label="Poison a message" busy={busy} onPress={() => void poison()} />
      </span>
      <small>Half a JSON text from {source.module}: it becomes a dead letter, and nothing waits behind it.</small>
    </li>
  );
}

/** The account of messages: each stands in one of its columns. */
function AccountPanel({ a, signals }: { a: Account; signals: Signal[] }) {
  const spooled = signals.reduce((n, s) => n + (s.spooled ?? 0), 0);
  const missing = Math.max(0, a.sent - (a.delivered - a.redelivered) - a.waiting - a.expired - a.rejected);
  const lost = missing + a.expired + a.unrouted;
  return (
    <Panel title="Account" aside={<Badge condition={lost ? "bad" : "ok"}>{lost ? `${count(lost)} did not arrive` : "nothing is lost"}</Badge>}>
      <div class="account">
        <dl class="figures" aria-label="To the module">
          <Figure label="sent to the module" value={count(a.sent)} />
          <Figure label="handed over" value={count(a.delivered - a.redelivered)} note={`${count(a.redelivered)} more than once`} />
          <Figure label="acknowledged" value={count(a.acked)} note={a.overdue ? `${count(a.overdue)} late` : undefined} />
          <Figure label="waiting at the hub" value={count(a.waiting)} />
          <Figure label="in spools" value={count(spooled)} note="of signals that do not run" />
          <Figure label="missing" value={count(missing)} />
        </dl>
        <dl class="figures" aria-label="From the module">
          <Figure label="published" value={count(a.published)} />
          <Figure label="upstream" value={count(a.upstream)} />
          <Figure label="dead letters" value={count(a.deadLetters)} />
          <Figure label="repeats at IoT Hub" value={count(a.duplicates)} note="with the same message id" />
          <Figure label="no route took" value={count(a.unrouted)} />
          <Figure label="expired" value={count(a.expired)} />
        </dl>
      </div>
    </Panel>
  );
}
