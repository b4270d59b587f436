import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Point } from "./types";

export interface Limit {
  name: string;
  value: number;
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Marks of a shape and a size of their own: colour alone would not tell them apart. */
function marks(shape: "dot" | "triangle" | "cross"): uPlot.Series.Points.Show {
  return ((u: uPlot, i: number) => {
    const { ctx } = u;
    const [xs, ys] = [u.data[0], u.data[i]!];
    const r = 4 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.fillStyle = ctx.strokeStyle = (u.series[i]!.stroke as unknown as () => string)();
    ctx.lineWidth = 2 * devicePixelRatio;
    for (let n = 0; n < xs.length; n++) {
      const y = ys[n];
      if (y == null) continue;
      const [px, py] = [u.valToPos(xs[n]!, "x", true), u.valToPos(y, "y", true)];
      ctx.beginPath();
      if (shape === "dot") ctx.arc(px, py, r * 0.9, 0, 7);
      if (shape === "triangle") (ctx.moveTo(px, py - r * 1.5), ctx.lineTo(px + r * 1.3, py + r), ctx.lineTo(px - r * 1.3, py + r), ctx.closePath());
      if (shape === "cross") (ctx.moveTo(px - r, py - r), ctx.lineTo(px + r, py + r), ctx.moveTo(px + r, py - r), ctx.lineTo(px - r, py + r));
      shape === "cross" ? ctx.stroke() : ctx.fill();
    }
    ctx.restore();
    return false;
  }) as uPlot.Series.Points.Show;
}

export const kinds = [
  { name: "arrived", color: "--plot-in" },
  { name: "sent", color: "--plot-out" },
  { name: "event sent", color: "--plot-event" },
  { name: "dead letter", color: "--plot-dead" },
];

/** A plot of a signal: what arrived as a line, what was sent of it as marks, and its limits. */
export class Plot {
  #plot: uPlot;
  #limits: Limit[] = [];
  #size: ResizeObserver;

  constructor(box: HTMLElement) {
    const axis: uPlot.Axis = { stroke: () => css("--muted"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const mark = (i: number, shape: "dot" | "triangle" | "cross"): uPlot.Series => ({ label: kinds[i]!.name, stroke: () => css(kinds[i]!.color), paths: () => null, points: { show: marks(shape) } });
    this.#plot = new uPlot(
      {
        width: box.clientWidth || 300,
        height: 260,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: true }, y: { range: (_u, low, high) => this.#range(low as number | null, high as number | null) } },
        axes: [{ ...axis, space: 76, values: (_u, at) => at.map((t) => new Date(t * 1000).toLocaleTimeString("en-GB")) }, { ...axis, size: 52 }],
        series: [{}, { label: kinds[0]!.name, stroke: () => css(kinds[0]!.color), width: 1.75, points: { show: (u) => (u.data[0].length < 120 ? true : false), size: 4 } }, mark(1, "dot"), mark(2, "triangle"), mark(3, "cross")],
        hooks: { draw: [(u) => this.#drawLimits(u)] },
      },
      [[], [], [], [], []],
      box,
    );
    this.#size = new ResizeObserver(() => this.#plot.setSize({ width: box.clientWidth, height: box.clientWidth < 480 ? 200 : 260 }));
    this.#size.observe(box);
  }

  /** Shows the last seconds of points, up to now in milliseconds. */
  show(points: Point[], limits: Limit[], seconds: number, now: number) {
    this.#limits = limits;
    const from = now - seconds * 1000;
    const times: number[] = [];
    const columns: (number | null | undefined)[][] = [[], [], [], []];
    for (const [at, value, kind] of points.toSorted((a, b) => a[0] - b[0])) {
      if (at < from - 60_000) continue; // one before the left edge keeps the line whole
      times.push(at / 1000);
      // undefined: the line of what arrived goes on over marks that have no value of it
      columns.forEach((c, i) => c.push(i === kind ? value : i === 0 ? undefined : null));
    }
    this.#plot.setData([times, ...columns] as uPlot.AlignedData, false);
    this.#plot.setScale("x", { min: from / 1000, max: now / 1000 });
  }

  destroy() {
    this.#size.disconnect();
    this.#plot.destroy();
  }

  /** The limits are in sight, unless that would press the values flat. */
  #range(low: number | null, high: number | null): [number, number] {
    let [min, max] = [low ?? 0, high ?? 1];
    const span = max - min || Math.abs(max) || 1;
    for (const l of this.#limits) if (l.value > min - 2 * span && l.value < max + 2 * span) (min = Math.min(min, l.value)), (max = Math.max(max, l.value));
    const room = (max - min || Math.abs(max) || 1) * 0.12;
    return [min - room, max + room];
  }

  #drawLimits(u: uPlot) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("--plot-limit");
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.lineWidth = devicePixelRatio;
    for (const l of this.#limits) {
      const y = u.valToPos(l.value, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(`${l.name} ${l.value}`, bbox.left + bbox.width - 4 * devicePixelRatio, y - 4 * devicePixelRatio);
    }
    ctx.restore();
  }
}
