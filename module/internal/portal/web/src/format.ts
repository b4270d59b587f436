import type { Signal } from "./types";

export function rate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.095) return `${perSecond.toFixed(2)}/s`;
  if (perSecond < 9.95) return `${perSecond.toFixed(1)}/s`;
  return `${count(Math.round(perSecond))}/s`;
}

const counts = new Intl.NumberFormat("en");

export const count = (n: number): string => counts.format(n);

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  if (n < 1 << 20) return `${trim(n / 1024)} KB`;
  return `${trim(n / (1 << 20))} MB`;
}

const trim = (n: number): string => n.toFixed(n < 10 ? 1 : 0).replace(/\.0$/, "");

export function micros(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${trim(us / 1000)} ms`;
  return `${trim(us / 1e6)} s`;
}

export function clock(ms: number): string {
  const d = new Date(ms);
  return `${d.toLocaleTimeString("en-GB")}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

/** JSON on several lines, or the text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export type Condition = "ok" | "idle" | "paused" | "warn" | "bad";

/** How a signal is, in a word, and how bad that is. */
export function conditionOf(s: Signal | undefined): { condition: Condition; word: string } {
  if (!s) return { condition: "idle", word: "starting" };
  if (s.paused) return { condition: "paused", word: "paused" };
  switch (s.status) {
    case "running":
      return s.slow ? { condition: "warn", word: "slow" } : { condition: "ok", word: "running" };
    case "unknown":
      return { condition: "idle", word: "starting" };
    case "stopped":
      return { condition: "idle", word: "stopped" };
    case "backoff":
      return { condition: "warn", word: "backoff" };
    default:
      return { condition: "bad", word: s.status };
  }
}

export function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
