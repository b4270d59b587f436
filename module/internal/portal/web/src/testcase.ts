import { live } from "./live";
import type { Message, Traced } from "./types";

/** Saves what a signal did with a message as a case for `wasm-on-edge test`. JSON is YAML, too. */
export function saveCase(signal: string, t: Traced) {
  const spec = live.flow?.signals.find((s) => s.name === signal);
  const test = {
    name: `${signal} at ${new Date(t.time).toISOString()}`,
    guest: spec?.guest,
    settings: spec?.settings,
    messages: [{ input: messageOf(t.message), verdict: t.calls?.at(-1)?.verdict, outputs: (t.outputs ?? []).map(messageOf) }],
  };
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([JSON.stringify(test, null, 2) + "\n"], { type: "application/yaml" }));
  a.download = `${signal}.test.yaml`;
  a.click();
  URL.revokeObjectURL(a.href);
}

function messageOf(m: Message): Record<string, unknown> {
  const told: Record<string, unknown> = m.output ? { output: m.output } : {};
  try {
    told.body = JSON.parse(m.body);
  } catch {
    told[m.base64 ? "base64" : "text"] = m.body;
  }
  if (m.properties) told.properties = Object.fromEntries(Object.entries(m.properties).filter(([name]) => !name.startsWith("$")));
  return told;
}
