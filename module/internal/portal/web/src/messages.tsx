import { useState } from "preact/hooks";
import { bytes, clock, count, pretty } from "./format";
import { useLive } from "./live";
import { go } from "./router";
import type { Message } from "./types";
import { Empty, Panel } from "./ui";

const shownAtOnce = 100;

/** Whether a message has the words in its body, its properties or its output. */
function matches(m: Message, words: string[]): boolean {
  const text = `${m.module} ${m.output} ${m.body} ${JSON.stringify(m.properties ?? {})}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

export function Messages({ name }: { name: string }) {
  const live = useLive();
  const [search, find] = useState("");
  const [held, hold] = useState<Message[]>();
  const letters = name === "deadletters";
  const all = held ?? (letters ? live.letters : live.upstream);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((m) => matches(m, words)).reverse();
  return (
    <>
      <div class="bar">
        <div role="tablist" aria-label="Kind of messages" class="tabs">
          <Tab shown={!letters} label={`Upstream ${count(live.hub?.account.upstream ?? 0)}`} onPress={() => (hold(undefined), go("messages"))} />
          <Tab shown={letters} label={`Dead letters ${count(live.hub?.account.deadLetters ?? 0)}`} onPress={() => (hold(undefined), go("messages", "deadletters"))} />
        </div>
        <label class="search">
          <span class="visually-hidden">Search messages</span>
          <input type="search" placeholder="Search body, properties, output" value={search} onInput={(e) => find(e.currentTarget.value)} />
        </label>
        <button type="button" aria-pressed={held !== undefined} onClick={() => hold(held ? undefined : [...all])}>
          {held ? "Follow" : "Hold still"}
        </button>
      </div>
      <Panel title={letters ? "Dead letters" : "What reached IoT Hub"} aside={<small>{count(found.length)} of the last {count(all.length)} kept</small>}>
        {found.length === 0 ? (
          <Empty>{all.length ? "Nothing matches." : letters ? "None: everything could be processed. The page Faults can poison a message." : "Nothing has reached IoT Hub yet."}</Empty>
        ) : (
          <ul class="messages">
            {found.slice(0, shownAtOnce).map((m) => (
              <MessageRow key={m.n} m={m} />
            ))}
          </ul>
        )}
      </Panel>
    </>
  );
}

function Tab({ shown, label, onPress }: { shown: boolean; label: string; onPress: () => void }) {
  return (
    <button type="button" role="tab" aria-selected={shown} onClick={onPress}>
      {label}
    </button>
  );
}

export function MessageRow({ m }: { m: Message }) {
  const reason = m.properties?.["deadletter-reason"];
  return (
    <li>
      <details>
        <summary>
          <time>{clock(m.time)}</time>
          <span class="tag">{m.output || "no output"}</span>
          {reason && <span class="tag bad">{reason}</span>}
          <code>{m.body}</code>
        </summary>
        <MessageDetail m={m} />
      </details>
    </li>
  );
}

export function MessageDetail({ m }: { m: Message }) {
  const properties = Object.entries(m.properties ?? {});
  return (
    <div class="detail">
      <pre tabIndex={0} aria-label="Body">{m.base64 ? `${m.body}\n(in base 64)` : pretty(m.body)}</pre>
      <dl class="properties">
        <dt>size</dt>
        <dd>{bytes(m.bytes)}</dd>
        {m.module && <dt>from</dt>}
        {m.module && <dd>{m.module}</dd>}
        {properties.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={k + "="}>{v}</dd>])}
      </dl>
    </div>
  );
}
