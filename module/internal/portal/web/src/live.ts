import { useEffect, useReducer } from "preact/hooks";
import { get } from "./api";
import type { Flow, HubEvent, HubState, Message, Point, Signal, Tick, Traced } from "./types";

// Everything that changes by itself comes through here: one stream of ticks, kept within bounds, and shown no more
// often than the screen is drawn.

const upstreamKept = 400;
const lettersKept = 200;
const eventsKept = 200;
const pointsKept = 6000;
const messagesKept = 60;

/** How often something happens, per second, smoothed over some seconds. */
export interface Rates {
  in: number;
  out: number;
  dropped: number;
  dead: number;
  calls: number;
  busy: number; // of one processor, 0 to 1
}

const noRates: Rates = { in: 0, out: 0, dropped: 0, dead: 0, calls: 0, busy: 0 };

export interface Watched {
  signal: string;
  points: Point[];
  messages: Traced[];
  missed: number;
}

export class Live {
  connected = false;
  problem = "";
  hub: HubState | undefined;
  flow: Flow | undefined;
  signals = new Map<string, Signal>();
  upstream: Message[] = [];
  missed = 0;
  letters: Message[] = [];
  events: HubEvent[] = [];
  watched: Watched = nobody("");
  hubRates = { sent: 0, upstream: 0, routes: [] as number[] };
  now = 0;

  #rates = new Map<string, { at: Signal; rates: Rates }>();
  #hubBefore: HubState | undefined;
  #measured = 0;
  #stream: EventSource | undefined;
  #watching = "";
  #listeners = new Set<() => void>();
  #drawing = 0;

  /** Follows what happens, and one signal closely. */
  watch(signal: string) {
    if (this.#stream && signal === this.#watching) return;
    this.#watching = signal;
    this.watched = nobody(signal);
    this.#open();
  }

  rates(name: string): Rates {
    return this.#rates.get(name)?.rates ?? noRates;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #open() {
    this.#stream?.close();
    const stream = new EventSource("/api/stream" + (this.#watching ? `?signal=${encodeURIComponent(this.#watching)}` : ""));
    this.#stream = stream;
    let first = true;
    stream.onmessage = (e: MessageEvent<string>) => {
      if (first) this.#forget();
      first = false;
      this.#take(JSON.parse(e.data) as Tick);
    };
    stream.onerror = () => {
      first = true; // the next stream tells all anew
      this.connected = false;
      this.#changed();
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => this.#stream === stream && this.#open(), 2000);
    };
  }

  /** A new stream begins with all that is kept. */
  #forget() {
    this.upstream = [];
    this.letters = [];
    this.events = [];
    this.watched = nobody(this.#watching);
    this.signals.clear();
  }

  #take(t: Tick) {
    this.connected = true;
    this.problem = t.problem ?? "";
    this.hub = t.hub;
    this.now = t.time;
    for (const s of t.signals ?? []) this.signals.set(s.name, s);
    if (t.all) {
      const there = new Set(t.all);
      for (const name of this.signals.keys()) if (!there.has(name)) this.#drop(name);
    }
    push(this.upstream, t.upstream, upstreamKept);
    this.missed += t.missed ?? 0;
    push(this.letters, t.letters, lettersKept);
    push(this.events, t.events, eventsKept);
    if (t.values?.signal === this.#watching) {
      push(this.watched.points, t.values.points, pointsKept);
      push(this.watched.messages, t.values.messages, messagesKept);
      this.watched.missed += t.values.missed ?? 0;
    }
    if (t.time - this.#measured >= 1000) this.#measure(t.time);
    if (this.flow?.desired !== t.hub.desired) void this.#loadFlow();
    this.#changed();
  }

  #drop(name: string) {
    this.signals.delete(name);
    this.#rates.delete(name);
  }

  #loading = false;
  async #loadFlow() {
    if (this.#loading) return;
    this.#loading = true;
    try {
      this.flow = await get<Flow>("/api/flow");
      this.#changed();
    } catch {
      // the stream tells that nobody answers, and the next tick tries again
    } finally {
      this.#loading = false;
    }
  }

  #measure(now: number) {
    const seconds = (now - this.#measured) / 1000;
    const fresh = this.#measured === 0 || seconds > 10;
    this.#measured = now;
    for (const [name, s] of this.signals) {
      const before = this.#rates.get(name);
      this.#rates.set(name, { at: s, rates: before && !fresh ? between(before.at, s, seconds, before.rates) : noRates });
    }
    const [hub, was] = [this.hub, this.#hubBefore];
    if (hub && was && !fresh) {
      const r = this.hubRates;
      r.sent = smooth(r.sent, hub.account.sent - was.account.sent, seconds);
      r.upstream = smooth(r.upstream, hub.account.upstream - was.account.upstream, seconds);
      r.routes = hub.routes.map((n, i) => smooth(r.routes[i] ?? 0, n - (was.routes[i] ?? n), seconds));
    }
    this.#hubBefore = hub;
  }

  #changed() {
    if (this.#drawing) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      for (const listener of this.#listeners) listener();
    });
  }
}

function nobody(signal: string): Watched {
  return { signal, points: [], messages: [], missed: 0 };
}

function push<T>(kept: T[], fresh: T[] | undefined, limit: number) {
  if (!fresh) return;
  kept.push(...fresh);
  if (kept.length > limit) kept.splice(0, kept.length - limit);
}

function smooth(before: number, count: number, seconds: number): number {
  const rate = Math.max(count, 0) / seconds;
  const next = before === 0 ? rate : before + (rate - before) * Math.min(1, seconds / 6);
  return next < 0.005 ? 0 : next;
}

function between(was: Signal, is: Signal, seconds: number, r: Rates): Rates {
  return {
    in: smooth(r.in, is.in - was.in, seconds),
    out: smooth(r.out, is.out - was.out, seconds),
    dropped: smooth(r.dropped, (is.dropped ?? 0) - (was.dropped ?? 0), seconds),
    dead: smooth(r.dead, (is.deadLetters ?? 0) - (was.deadLetters ?? 0), seconds),
    calls: smooth(r.calls, (is.calls ?? 0) - (was.calls ?? 0), seconds),
    busy: smooth(r.busy, ((is.busyUs ?? 0) - (was.busyUs ?? 0)) / 1e6, seconds),
  };
}

export const live = new Live();

/** Has a component drawn anew when something has happened. */
export function useLive(): Live {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => live.subscribe(() => draw(undefined)), []);
  return live;
}
