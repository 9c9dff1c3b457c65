// The bars of a timeline, without what moves them.
import { address, fit, label, language, said, words, type Layer, type Svg } from "./picture.js";
import { shape } from "./shapes.js";

export const DAY = 86_400_000;
const ROW = 38;
const HEAD = 26;
export const EDGE = 16;
const SHAPES: Record<string, string> = {
  claimed: "square", planned: "triangle", hypothetical: "wedge", contested: "diamond", denied: "times",
  corroborated: "star", acknowledged: "plus", none: "dash",
};

export interface Bar {
  row: HTMLElement;
  how: string;
  status: string;
  first: number | null;
  last: number | null;
  top: number;
}

/** Returns the shape of a derived status. */
export function point(status: string): string {
  return shape(SHAPES[status] ?? "circle", 4.5);
}

/** What stands on a timeline, from its beginning to its end, with headings between groups. */
export interface Lines {
  bars: Bar[];
  heads: { text: string; top: number }[];
  height: number;
  from: number;
  to: number;
}

/** Returns the bars of the rows that have a time. */
export function read(rows: HTMLElement[]): Lines {
  const bars: Bar[] = [];
  const heads: Lines["heads"] = [];
  let height = 6;
  for (const row of rows) {
    const head = row.querySelector("th[scope=rowgroup]");
    if (head) {
      if (row.parentElement?.querySelector("[data-how]")) {
        heads.push({ text: words(head), top: height });
        height += HEAD;
      }
      continue;
    }
    const { how, earliest, latest, status } = row.dataset;
    if (!how) continue;
    bars.push({
      row, how, status: status || "none", top: height,
      first: earliest ? Date.parse(earliest) : null,
      last: latest ? Date.parse(latest) + DAY : null,
    });
    height += ROW;
  }
  const ends = bars.flatMap((bar) => [bar.first, bar.last]).filter((one) => one !== null);
  return { bars, heads, height, from: Math.min(...ends), to: Math.max(...ends) };
}

/** Defines hatching in the colour of each status, and ends that fade. */
function define(svg: Svg, statuses: Iterable<string>): void {
  const defs = svg.append("defs");
  for (const status of statuses) {
    const hatch = defs.append("pattern").attr("id", `hatch-${status}`).attr("class", `status-${status}`)
      .attr("width", 6).attr("height", 6).attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)");
    hatch.append("line").attr("class", "hatching").attr("y2", 6);
  }
  const fade = defs.append("linearGradient").attr("id", "fade");
  for (const [offset, opacity] of [[0, 0], [0.3, 1], [0.7, 1], [1, 0]] as const) {
    fade.append("stop").attr("offset", offset).attr("stop-color", "#fff").attr("stop-opacity", opacity);
  }
  defs.append("mask").attr("id", "faded").attr("maskContentUnits", "objectBoundingBox")
    .append("rect").attr("width", 1).attr("height", 1).attr("fill", "url(#fade)");
}

/** Names a moment in the language of the page, no more exactly than the ticks are apart. */
export function dates(step: number): (date: Date) => string {
  const parts: Intl.DateTimeFormatOptions =
    step >= 360 * DAY ? { year: "numeric" }
      : step >= 28 * DAY ? { year: "numeric", month: "short" }
        : { year: "numeric", month: "short", day: "numeric" };
  const format = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang || undefined, { ...parts, timeZone: "UTC" });
  return (date) => format.format(date);
}

/** Draws the bars; returns the marks, and what places them anew for a width and a scale. */
export function drawBars(svg: Svg, lines: Lines, width: number): [SVGAElement[], (x: (moment: number) => number, width: number) => void] {
  define(svg, new Set(["none", ...lines.bars.map((bar) => bar.status)]));
  for (const head of lines.heads) {
    svg.append("text").attr("class", "group").attr("x", 4).attr("y", head.top + 18).text(head.text);
  }
  const marks: SVGAElement[] = [];
  const draws: ((x: (moment: number) => number, width: number) => void)[] = [];
  for (const bar of lines.bars) {
    const mark = svg.append<SVGAElement>("a").attr("class", `pin bar how-${bar.how} status-${bar.status}`)
      .attr("href", address(bar.row.querySelector(".what"))).attr("aria-label", said(bar.row));
    mark.append("title").text(said(bar.row));
    mark.append("rect").attr("class", "reach").attr("width", width).attr("height", ROW).attr("y", bar.top);
    const node = mark.node();
    if (node) marks.push(node);
    draws.push(drawBar(mark as unknown as Layer, bar));
  }
  return [marks, (x, now) => { for (const one of draws) one(x, now); }];
}

/** Draws one bar, and returns what places it anew. */
function drawBar(mark: Layer, bar: Bar): (x: (moment: number) => number, width: number) => void {
  const name = label(bar.row);
  const y = bar.top + 22;
  const body = mark.append("rect").attr("class", "body").attr("y", y).attr("height", 9);
  if (bar.how === "within" || bar.how === "about") body.attr("fill", `url(#hatch-${bar.status})`);
  if (bar.how === "about") body.attr("mask", "url(#faded)");
  const before = bar.first === null ? mark.append("path").attr("class", "arrow") : null;
  const after = bar.last === null ? mark.append("path").attr("class", "arrow") : null;
  const sign = mark.append("path").attr("class", "point").attr("d", point(bar.status));
  const text = mark.append("text").attr("y", bar.top + 15).attr("lang", language(bar.row) || null);
  text.append("tspan").text(name);
  const node = text.select<SVGTextElement>("tspan").node();
  let fitted = 0;
  return (x, width) => {
    if (node && fitted !== width) {
      node.textContent = name;
      fit(node, width - 2 * EDGE - 16);
      fitted = width;
    }
    const [left, right] = [bar.first === null ? 10 : x(bar.first), bar.last === null ? width - 10 : x(bar.last)];
    const [start, end] = [Math.max(-20, Math.min(left, width + 20)), Math.max(-20, Math.min(right, width + 20))];
    body.attr("x", start).attr("width", Math.max(4, end - start));
    before?.attr("d", `M${start} ${y - 2} L${start - 9} ${y + 4.5} L${start} ${y + 11} Z`);
    after?.attr("d", `M${end} ${y - 2} L${end + 9} ${y + 4.5} L${end} ${y + 11} Z`);
    mark.classed("away", right < 0 || left > width);
    const length = node?.getComputedTextLength() ?? 0;
    const at = Math.max(4, Math.min(start, width - length - 20));
    sign.attr("transform", `translate(${at + 6} ${bar.top + 10.5})`);
    text.attr("x", at + 16);
  };
}
