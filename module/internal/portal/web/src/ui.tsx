import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Refusal, mayChange } from "./api";
import { type Condition, conditionOf } from "./format";
import type { Signal } from "./types";

/** A state in word, colour and shape, so that none of them is needed alone. */
export function Badge({ condition, children }: { condition: Condition; children: ComponentChildren }) {
  return (
    <span class={`badge ${condition}`}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}

export function SignalBadge({ signal }: { signal: Signal | undefined }) {
  const { condition, word } = conditionOf(signal);
  return <Badge condition={condition}>{word}</Badge>;
}

export function Panel({ title, aside, children, class: extra = "" }: { title: string; aside?: ComponentChildren; children: ComponentChildren; class?: string }) {
  return (
    <section class={`panel ${extra}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function Figure({ label, value, note }: { label: string; value: ComponentChildren; note?: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

export interface Outcome {
  good: boolean;
  text: string;
}

/** Runs an action from a button and tells what came of it, to screen readers too. */
export function useAction(): { busy: boolean; outcome: Outcome | undefined; run: (what: () => Promise<string>) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const run = async (what: () => Promise<string>) => {
    setBusy(true);
    try {
      setOutcome({ good: true, text: await what() });
      return true;
    } catch (e) {
      setOutcome({ good: false, text: explain(e) });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, outcome, run };
}

export function explain(e: unknown): string {
  if (!(e instanceof Refusal)) return e instanceof Error ? e.message : String(e);
  const found = e.findings.filter((f) => f.severity === "refused").map((f) => `${f.path}: ${f.reason}`);
  return [e.message, ...found].join("; ") + (e.hint ? ` (${e.hint})` : "");
}

export function Told({ outcome }: { outcome: Outcome | undefined }) {
  return (
    <p class={`told ${outcome ? (outcome.good ? "good" : "bad") : ""}`} role="status">
      {outcome?.text}
    </p>
  );
}

export function Action({ label, onPress, busy = false, kind = "", title }: { label: string; onPress: () => void; busy?: boolean; kind?: string; title?: string }) {
  return (
    <button type="button" class={kind} disabled={busy || !mayChange} onClick={onPress} title={mayChange ? title : "changes need the URL that simulate printed, with its token"}>
      {label}
    </button>
  );
}
