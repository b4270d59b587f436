import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Node, drawingOf } from "./drawing";
import { rate } from "./format";
import { live, useLive } from "./live";
import { link } from "./router";
import { SignalTable } from "./signal";
import { Badge, Empty, Panel } from "./ui";

const titles = ["Senders", "Inputs", "Signals", "Guests", "Outputs", "Cloud"];

interface Wire {
  key: string;
  path: string;
  rate: number;
  at: [number, number];
  state: string;
}

/** The way of the data, from who sends it to the cloud. */
export function FlowPage(_: { name: string }) {
  const { flow } = useLive();
  const box = useRef<HTMLDivElement>(null);
  const [wires, draw] = useState<Wire[]>([]);
  const [size, resize] = useState([0, 0]);
  const drawing = flow && drawingOf(flow, live);
  const shape = drawing && JSON.stringify([drawing.columns.map((c) => c.map((n) => n.key)), drawing.lines.map((l) => l.from + l.to)]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => resize([element.scrollWidth, element.scrollHeight]);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [shape]);

  useLayoutEffect(() => {
    if (box.current && drawing) draw(wiresOf(box.current, drawing.lines));
  }, [shape, size[0], size[1], live.now]);

  if (!flow || !drawing) return <Empty>Reading the deployment…</Empty>;
  return (
    <>
      {flow.findings.length > 0 && (
        <ul class="findings">
          {flow.findings.map((f) => (
            <li key={f.path + f.reason} class={f.severity}>
              <b>{f.path}</b> {f.reason} {f.hint && <i>{f.hint}</i>}
            </li>
          ))}
        </ul>
      )}
      <div class="flowscroll" tabIndex={0} role="group" aria-label="Drawing of the flow, from senders to the cloud">
        <div class="flow" ref={box}>
          <svg class="wires" width={size[0]} height={size[1]} aria-hidden="true">
            {wires.map((w) => (
              <g key={w.key} class={`${w.rate > 0 ? "live" : "still"} ${w.state}`}>
                <path d={w.path} stroke-width={1.5 + Math.min(4, Math.log10(1 + w.rate) * 1.6)} />
                {w.rate > 0 && <path d={w.path} class="drops" />}
                <text x={w.at[0]} y={w.at[1]}>{rate(w.rate)}</text>
              </g>
            ))}
          </svg>
          {drawing.columns.map((nodes, i) => (
            <div class="column" key={titles[i]}>
              <h2>{titles[i]}</h2>
              {nodes.map((n) => (
                <NodeBox key={n.key} node={n} />
              ))}
            </div>
          ))}
        </div>
      </div>
      <Panel title="Signals" class="list">
        <SignalTable />
      </Panel>
    </>
  );
}

function NodeBox({ node }: { node: Node }) {
  const inside = (
    <>
      <b>{breakable(node.title)}</b>
      {node.note && <small>{node.note}</small>}
      {node.state && <Badge condition={node.state.condition}>{node.state.word}</Badge>}
    </>
  );
  const attributes = { class: `node ${node.kind} ${node.state?.condition ?? ""}`, "data-key": node.key };
  return node.href ? (
    <a {...attributes} href={link(...node.href)}>
      {inside}
    </a>
  ) : (
    <div {...attributes}>{inside}</div>
  );
}

/** A name that may be broken before its capitals. */
const breakable = (name: string) => name.split(/(?=[A-Z_-])/).flatMap((part, i) => (i ? [<wbr key={i} />, part] : [part]));

/** From the side of one to the side of the other. */
function across(a: DOMRect, b: DOMRect, origin: DOMRect, alone: boolean): Pick<Wire, "path" | "at"> {
  const [x1, y1, x2, y2] = [a.right - origin.left, a.top + a.height / 2 - origin.top, b.left - origin.left, b.top + b.height / 2 - origin.top];
  const bend = Math.max(24, (x2 - x1) / 2);
  return { path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, at: alone ? [x1 + 26, y1 - 6] : [x2 - 26, y2 - 6] };
}

/** From the bottom of one to the top of the other, where it is narrow. */
function down(a: DOMRect, b: DOMRect, origin: DOMRect, alone: boolean): Pick<Wire, "path" | "at"> {
  const [x1, y1, x2, y2] = [a.left + a.width / 2 - origin.left, a.bottom - origin.top, b.left + b.width / 2 - origin.left, b.top - origin.top];
  const bend = Math.max(14, (y2 - y1) / 2);
  return { path: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`, at: alone ? [x1, y1 + 15] : [x2, y2 - 8] };
}

function wiresOf(box: HTMLElement, lines: { from: string; to: string; rate: number; state: string }[]): Wire[] {
  const origin = box.getBoundingClientRect();
  const places = new Map<string, DOMRect>();
  for (const e of box.querySelectorAll<HTMLElement>("[data-key]")) places.set(e.dataset.key!, e.getBoundingClientRect());
  const wires: Wire[] = [];
  const leaving = new Map<string, number>();
  for (const l of lines) leaving.set(l.from, (leaving.get(l.from) ?? 0) + 1);
  const upright = getComputedStyle(box).getPropertyValue("--upright").trim() === "1";
  for (const l of lines) {
    const [a, b] = [places.get(l.from), places.get(l.to)];
    if (!a || !b) continue;
    const alone = (leaving.get(l.from) ?? 0) < 2; // where many leave or meet a label would cover others
    wires.push({ key: l.from + "→" + l.to, rate: l.rate, state: l.state, ...(upright ? down : across)(a, b, origin, alone) });
  }
  return wires;
}
