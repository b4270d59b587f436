import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { mayChange } from "./api";
import { Faults } from "./faults";
import { FlowPage } from "./flow";
import { count, rate } from "./format";
import { Guests } from "./guests";
import { useLive } from "./live";
import { Messages } from "./messages";
import { Methods } from "./methods";
import { link, usePlace } from "./router";
import { SignalPage, SignalsPage } from "./signal";
import { TwinPage } from "./twin";
import { Badge } from "./ui";

const parts: { part: string; title: string; icon: string; page: ComponentType<{ name: string }> }[] = [
  { part: "flow", title: "Flow", icon: "M3 6h6v4H3zM15 3h6v4h-6zM15 14h6v4h-6zM9 8h3m0 0V5h3M12 8v8h3", page: FlowPage },
  { part: "signals", title: "Signals", icon: "M2 13h4l3-8 5 14 3-6h5", page: ({ name }) => (name ? <SignalPage key={name} name={name} /> : <SignalsPage />) },
  { part: "twin", title: "Twin", icon: "M8 3c-3 0-1 7-4 9 3 2 1 9 4 9M16 3c3 0 1 7 4 9-3 2-1 9-4 9", page: TwinPage },
  { part: "guests", title: "Guests", icon: "M12 2l9 5v10l-9 5-9-5V7zM3 7l9 5 9-5M12 12v10", page: Guests },
  { part: "messages", title: "Messages", icon: "M3 5h18v14H3zM3 6l9 7 9-7", page: Messages },
  { part: "methods", title: "Methods", icon: "M4 6l6 6-6 6M12 19h8", page: Methods },
  { part: "faults", title: "Faults", icon: "M13 2L4 14h7l-1 8 9-12h-7z", page: Faults },
];

export function App() {
  const place = usePlace();
  const shown = parts.find((p) => p.part === place.part) ?? parts[0]!;
  const heading = useRef<HTMLHeadingElement>(null);
  const entered = useRef(false);
  useEffect(() => {
    document.title = `${place.name || shown.title} · Wasm-on-Edge`;
    if (entered.current) heading.current?.focus(); // a screen reader hears that the page is another one
    entered.current = true;
  }, [shown, place.name]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(e) => (e.preventDefault(), heading.current?.focus())}>
        Skip to content
      </a>
      <nav aria-label="Parts">
        <a class="brand" href={link("flow")}>
          <img src="/icon.svg" alt="" width="24" height="24" />
          <b>Wasm-on-Edge</b>
        </a>
        <ul>
          {parts.map((p) => (
            <li key={p.part}>
              <a href={link(p.part)} aria-current={p === shown ? "page" : undefined}>
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d={p.icon} />
                </svg>
                {p.title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="body">
        <Top />
        <main id="content">
          <h1 ref={heading} tabIndex={-1}>
            {place.name || shown.title}
          </h1>
          <shown.page name={place.name} />
        </main>
      </div>
    </div>
  );
}

/** What is worth knowing wherever one is. */
function Top() {
  const live = useLive();
  const hub = live.hub;
  if (!live.connected || !hub)
    return (
      <div class="top" role="status">
        <Badge condition={hub ? "bad" : "idle"}>{hub ? "the simulation has ended, or does not answer" : "connecting"}</Badge>
      </div>
    );
  const signals = [...live.signals.values()];
  const well = signals.filter((s) => s.status === "running" && !s.paused).length;
  return (
    <div class="top">
      <Badge condition={hub.connected ? "ok" : "bad"}>{hub.connected ? "connected" : "not connected"}</Badge>
      <span>
        <b>{well}</b>/{count(signals.length)} signals
      </span>
      <span>
        in <b>{rate(live.hubRates.sent)}</b>
      </span>
      <span>
        upstream <b>{rate(live.hubRates.upstream)}</b>
      </span>
      <a href={link("messages", "deadletters")} class={hub.account.deadLetters > 0 ? "warned" : ""}>
        <b>{count(hub.account.deadLetters)}</b> dead letter{hub.account.deadLetters === 1 ? "" : "s"}
      </a>
      {!mayChange && <span class="readonly">read only: open the URL with its token to change things</span>}
      {live.problem && <span class="warned">{live.problem}</span>}
    </div>
  );
}
