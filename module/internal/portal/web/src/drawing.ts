import { type Condition, conditionOf, count } from "./format";
import type { Live } from "./live";
import type { Flow, SignalSpec, Source } from "./types";

// What the flow is drawn of: six columns of nodes, and lines between them. Signals that are many are drawn as one for
// all with the same sources, guest and output.

export interface Node {
  key: string;
  kind: string;
  title: string;
  note?: string;
  state?: { condition: Condition; word: string };
  href?: [string, string?];
}

export interface Line {
  from: string;
  to: string;
  rate: number;
  state: string;
}

export interface Drawing {
  columns: Node[][];
  lines: Line[];
}

const drawnAlone = 16;

const gravity: Condition[] = ["ok", "idle", "paused", "warn", "bad"];

const sourcesOf = (s: SignalSpec): Source[] => (s.sources ? Object.values(s.sources) : [s.source]);

const sourceKey = (s: Source): string => (s.kind === "timer" ? "timer:" : `${s.kind}:${s.name}`);

interface Group {
  key: string;
  signals: SignalSpec[];
}

function groupsOf(signals: SignalSpec[]): Group[] {
  if (signals.length <= drawnAlone) return signals.map((s) => ({ key: `signal:${s.name}`, signals: [s] }));
  const groups = new Map<string, Group>();
  for (const s of signals) {
    const key = `group:${sourcesOf(s).map(sourceKey).join()}|${s.guest ?? ""}|${s.output}`;
    const g = groups.get(key) ?? { key, signals: [] };
    g.signals.push(s);
    groups.set(key, g);
  }
  return [...groups.values()];
}

export function drawingOf(flow: Flow, live: Live): Drawing {
  const columns: Node[][] = [[], [], [], [], [], []];
  const lines = new Map<string, Line>();
  const there = new Map<string, Node>();
  const put = (column: number, node: Node) => {
    if (there.has(node.key)) return;
    there.set(node.key, node);
    columns[column]!.push(node);
  };
  const join = (from: string, to: string, rate: number, state = "") => {
    const known = lines.get(from + to);
    if (known) known.rate += rate;
    else lines.set(from + to, { from, to, rate, state });
  };
  drawSenders(flow, live, put, join);
  const groups = groupsOf(flow.signals);
  const groupOf = new Map(groups.flatMap((g) => g.signals.map((s) => [s.name, g.key] as const)));
  for (const g of groups) drawGroup(g, groupOf, live, put, join);
  drawOutputs(flow, live, groups, put, join);
  return { columns, lines: [...lines.values()] };
}

type Put = (column: number, node: Node) => void;
type Join = (from: string, to: string, rate: number, state?: string) => void;

function drawSenders(flow: Flow, live: Live, put: Put, join: Join) {
  flow.routes.forEach((r, i) => {
    if (r.module !== flow.module) return;
    const source = flow.sources.find((s) => s.input === r.input && r.from.includes(s.module));
    const from = `from:${r.from}`;
    put(0, { key: from, kind: "sender", title: source?.module || r.from, note: source?.output || r.name });
    const queued = live.hub?.queued[r.input ?? ""] ?? 0;
    put(1, { key: `input:${r.input}`, kind: "input", title: r.input ?? "", note: queued > 1 ? `${count(queued)} waiting` : "input" });
    join(from, `input:${r.input}`, live.hubRates.routes[i] ?? 0);
  });
}

function drawGroup(g: Group, groupOf: Map<string, string>, live: Live, put: Put, join: Join) {
  const first = g.signals[0]!;
  let worst: ReturnType<typeof conditionOf> = { condition: "ok", word: "running" };
  let [arriving, leaving, calls] = [0, 0, 0];
  for (const s of g.signals) {
    const state = conditionOf(live.signals.get(s.name));
    if (gravity.indexOf(state.condition) > gravity.indexOf(worst.condition)) worst = state;
    const r = live.rates(s.name);
    [arriving, leaving, calls] = [arriving + r.in, leaving + r.out, calls + r.calls];
  }
  const alone = g.signals.length === 1;
  put(2, {
    key: g.key,
    kind: "signal",
    title: alone ? first.name : `${count(g.signals.length)} signals`,
    note: alone ? first.displayName : `${first.name} …`,
    state: worst,
    href: alone ? ["signals", first.name] : ["signals"],
  });
  for (const source of sourcesOf(first)) {
    if (source.kind === "timer") put(1, { key: "timer:", kind: "input", title: "timer", note: "ticks" });
    if (source.kind === "input") put(1, { key: sourceKey(source), kind: "input", title: source.name ?? "", note: "no route leads here" });
    const from = source.kind === "signal" ? groupOf.get(source.name ?? "") : sourceKey(source);
    if (from && from !== g.key) join(from, g.key, arriving, worst.condition);
  }
  if (first.guest) {
    put(3, { key: `guest:${first.guest}`, kind: "guest", title: first.guest, note: "guest", href: ["guests", first.guest] });
    join(g.key, `guest:${first.guest}`, calls, worst.condition);
  }
  if (first.output) join(first.guest ? `guest:${first.guest}` : g.key, `output:${first.output}`, leaving);
}

function drawOutputs(flow: Flow, live: Live, groups: Group[], put: Put, join: Join) {
  const outputs = new Set(groups.flatMap((g) => g.signals.map((s) => s.output)).filter(Boolean));
  const rates = new Map<string, number>();
  let dead = 0;
  for (const g of groups)
    for (const s of g.signals) {
      const r = live.rates(s.name);
      rates.set(s.output, (rates.get(s.output) ?? 0) + r.out);
      dead += r.dead;
    }
  for (const name of [...outputs].sort()) {
    put(4, { key: `output:${name}`, kind: "output", title: name, note: "output" });
    leave(flow, name, rates.get(name) ?? 0, put, join);
  }
  const letters = live.hub?.account.deadLetters ?? 0;
  put(4, { key: "output:deadletter", kind: letters ? "output warned" : "output", title: "deadletter", note: `${count(letters)} so far`, href: ["messages", "deadletters"] });
  leave(flow, "deadletter", dead, put, join);
}

/** Draws where an output's messages go. */
function leave(flow: Flow, output: string, rate: number, put: Put, join: Join) {
  const taken = flow.routes.filter((r) => new RegExp(`/modules/${flow.module}(/outputs/(${output}|\\*))?/?$`, "i").test(r.from) || r.from === "/messages/*" || r.from === "/*");
  for (const r of taken) {
    const to = r.upstream ? "upstream" : `to:${r.module}/${r.input}`;
    put(5, r.upstream ? { key: to, kind: "cloud", title: "$upstream", note: "IoT Hub", href: ["messages"] } : { key: to, kind: "cloud", title: r.module ?? "", note: r.input });
    join(`output:${output}`, to, rate);
  }
  if (taken.length === 0) {
    put(5, { key: "nowhere", kind: "cloud warned", title: "nowhere", note: "no route takes it" });
    join(`output:${output}`, "nowhere", rate, "warn");
  }
}
