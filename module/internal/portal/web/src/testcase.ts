import { get } from "./api";
import { live } from "./live";
import type { Message, Traced, Twin } from "./types";

// What is of the signal alone: a test starts a guest without the rest of the twin.
const left = ["guest", "settings", "status", "use", "source", "sources"];

/**
 * Saves what a signal did with a message as a *.test.yaml for `wasm-on-edge test`. It expects the verdict alone, since a
 * guest that was just started knows nothing of the messages before; what was sent stands in a comment.
 */
export async function saveCase(signal: string, t: Traced) {
  const spec = live.flow?.signals.find((s) => s.name === signal);
  const guest = live.flow?.guests.find((g) => g.name === spec?.guest);
  const twin = await get<Twin>("/api/twin");
  const entry = (twin.desired as { signals?: Record<string, object> }).signals?.[signal] ?? {};
  const verdict = t.calls?.at(-1)?.verdict;
  const document = {
    guest: guest?.source.startsWith("file:") ? guest.source.slice(5) : `${guest?.name}.wasm`,
    signal: Object.fromEntries(Object.entries(entry).filter(([name]) => !left.includes(name))),
    settings: spec?.settings ?? {},
    tests: [{ name: `as on ${new Date(t.time).toISOString()}`, messages: [{ time: new Date(t.time).toISOString(), ...messageOf(t.message), ...(verdict && { expect: { verdict } }) }] }],
  };
  const sent = (t.outputs ?? []).map((o) => `# it sent to ${o.output}: ${o.body.replaceAll("\n", " ")}\n`).join("");
  const header = `# wasm-on-edge test ${signal}.test.yaml; with --update it writes what came out into the file\n`;
  save(`${signal}.test.yaml`, header + sent + JSON.stringify(document, null, 2) + "\n"); // JSON is YAML
}

function save(name: string, text: string) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  a.download = name;
  a.click();
  URL.revokeObjectURL(a.href);
}

function messageOf(m: Message): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  try {
    told.body = JSON.parse(m.body);
  } catch {
    told[m.base64 ? "base64" : "text"] = m.body;
  }
  if (m.properties) told.properties = Object.fromEntries(Object.entries(m.properties).filter(([name]) => !name.startsWith("$")));
  return told;
}
