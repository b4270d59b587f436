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
const rateSpan = 10_000; // milliseconds

/** How often something happens, per second, over the last seconds. */
export interface Rates {
  in: number;
  out: number;
  dropped: number;
  dead: number;
  calls: number;
  busy: number; // of one processor, 0 to 1
}

const noRates: Rates = { in: 0, out: 0, dropped: 0, dead: 0, calls: 0, busy: 0 };

interface Moment {
  time: number;
  hub: HubState;
  signals: Map<string, Signal>;
}

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

  #past: Moment[] = [];
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
    const [was, is] = [this.#past[0]?.signals.get(name), this.#past.at(-1)?.signals.get(name)];
    return was && is ? between(was, is, this.#span()) : noRates;
  }

  /** Seconds that rates are counted over. */
  #span(): number {
    return Math.max(1, (this.#past.at(-1)!.time - this.#past[0]!.time) / 1000);
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
      for (const name of this.signals.keys()) if (!there.has(name)) this.signals.delete(name);
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
    if (t.time - (this.#past.at(-1)?.time ?? 0) >= 1000) this.#measure(t);
    if (this.flow?.desired !== t.hub.desired) void this.#loadFlow();
    this.#changed();
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

  /** Keeps the counts of this moment, to count rates from. States are replaced and never changed, so that this is cheap. */
  #measure(t: Tick) {
    if (t.time - (this.#past.at(-1)?.time ?? 0) > rateSpan) this.#past = [];
    this.#past.push({ time: t.time, hub: t.hub, signals: new Map(this.signals) });
    while (this.#past.length > 2 && t.time - this.#past[1]!.time >= rateSpan) this.#past.shift();
    const [was, seconds] = [this.#past[0]!.hub, this.#span()];
    this.hubRates = {
      sent: rising(was.account.sent, t.hub.account.sent, seconds),
      upstream: rising(was.account.upstream, t.hub.account.upstream, seconds),
      routes: t.hub.routes.map((n, i) => rising(was.routes[i] ?? n, n, seconds)),
    };
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

const rising = (was: number, is: number, seconds: number): number => Math.max(0, is - was) / seconds;

function between(was: Signal, is: Signal, seconds: number): Rates {
  return {
    in: rising(was.in, is.in, seconds),
    out: rising(was.out, is.out, seconds),
    dropped: rising(was.dropped ?? 0, is.dropped ?? 0, seconds),
    dead: rising(was.deadLetters ?? 0, is.deadLetters ?? 0, seconds),
    calls: rising(was.calls ?? 0, is.calls ?? 0, seconds),
    busy: rising(was.busyUs ?? 0, is.busyUs ?? 0, seconds) / 1e6,
  };
}

export const live = new Live();

/** Has a component drawn anew when something has happened. */
export function useLive(): Live {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => live.subscribe(() => draw(undefined)), []);
  return live;
}
