// Draws the events of a table as bars on a line of time.
import { axisBottom } from "d3-axis";
import { scaleUtc } from "d3-scale";
import { select } from "d3-selection";
import {
  symbol, symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolStar, symbolTimes, symbolTriangle, symbolWye,
  type SymbolType,
} from "d3-shape";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";
import { address, canvas, fit, forPicture, label, language, picture, rove, said, tools, words, zoomOf, type Layer, type Svg } from "./picture/picture.js";

const DAY = 86_400_000;
const ROW = 38;
const HEAD = 26;
const EDGE = 16;
const SHAPES: Record<string, SymbolType> = {
  reported: symbolCircle, claimed: symbolSquare, planned: symbolTriangle, hypothetical: symbolWye,
  contested: symbolDiamond, denied: symbolTimes, corroborated: symbolStar, acknowledged: symbolCross,
};

interface Bar {
  row: HTMLElement;
  how: string;
  status: string;
  first: number | null;
  last: number | null;
  top: number;
}

function shape(status: string, size = 60): string {
  return symbol(SHAPES[status] ?? symbolCircle, size)() ?? "";
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

function legend(figure: HTMLElement): void {
  for (const key of figure.querySelectorAll<HTMLElement>("[data-key]")) {
    const svg = select(key).append("svg").attr("width", 30).attr("height", 14).attr("aria-hidden", "true");
    const what = key.dataset["key"];
    if (what === "status") {
      svg.append("path").attr("class", `status-${key.dataset["status"]} point`).attr("d", shape(key.dataset["status"] ?? ""))
        .attr("transform", "translate(15 7)");
      continue;
    }
    const bar = svg.append("g").attr("class", `bar how-${what} status-none`);
    bar.append("rect").attr("class", "body").attr("y", 3).attr("width", 30).attr("height", 8);
    if (what === "within" || what === "about") bar.select("rect").attr("fill", "url(#hatch-none)");
    if (what === "about") bar.select("rect").attr("mask", "url(#faded)");
    if (what === "open") bar.append("path").attr("class", "arrow").attr("d", "M22 1 L30 7 L22 13 Z");
    if (what === "open") bar.select("rect").attr("width", 22);
  }
}

/** Names a moment in the language of the page, no more exactly than the ticks are apart. */
function dates(step: number): (date: Date) => string {
  const parts: Intl.DateTimeFormatOptions =
    step >= 360 * DAY ? { year: "numeric" }
      : step >= 28 * DAY ? { year: "numeric", month: "short" }
        : { year: "numeric", month: "short", day: "numeric" };
  const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { ...parts, timeZone: "UTC" });
  return (date) => format.format(date);
}

function draw(): void {
  const found = picture("timeline");
  if (!found) return;
  const { figure, drawing, rows } = found;
  const small = figure.classList.contains("small");
  const bars: Bar[] = [];
  const heads: { text: string; top: number }[] = [];
  let height = small ? 4 : 8;
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
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const room = Math.max((to - from) * 0.04, DAY);
  let width = drawing.clientWidth;
  const base = scaleUtc().domain([from - room, to + room]).range([EDGE, width - EDGE]);

  const scroller = document.createElement("div");
  scroller.className = "scroller";
  drawing.append(scroller);
  const svg = canvas({ ...found, drawing: scroller }, width, height);
  define(svg, new Set(["none", ...bars.map((bar) => bar.status)]));
  const grid = svg.append("g").attr("class", "grid").attr("aria-hidden", "true");
  for (const head of heads) {
    svg.append("text").attr("class", "group").attr("x", 4).attr("y", head.top + 18).text(head.text);
  }
  const marks: SVGAElement[] = [];
  const draws: ((x: (moment: number) => number) => void)[] = [];
  for (const bar of bars) {
    const what = bar.row.querySelector(".what");
    const mark = svg.append<SVGAElement>("a").attr("class", `pin bar how-${bar.how} status-${bar.status}`)
      .attr("href", address(what)).attr("aria-label", said(bar.row));
    mark.append("title").text(said(bar.row));
    mark.append("rect").attr("class", "reach").attr("width", width).attr("height", ROW).attr("y", bar.top);
    const node = mark.node();
    if (node) marks.push(node);
    draws.push(drawBar(mark as unknown as Layer, bar, label(bar.row), () => width));
  }
  const axis = select(drawing).append("svg").attr("class", "axis").attr("width", width).attr("height", 26)
    .attr("aria-hidden", "true");
  legend(figure);

  let transform: ZoomTransform = zoomIdentity;
  const render = (): void => {
    const x = transform.rescaleX(base);
    for (const one of draws) one(x);
    const ticks = x.ticks(Math.max(2, Math.floor(width / 130)));
    const step = ticks.length > 1 ? Number(ticks[1]) - Number(ticks[0]) : 400 * DAY;
    const days = ticks.filter((tick) => Number(tick) % DAY === 0);
    axis.selectAll("*").remove();
    axis.append("g").attr("class", "ticks")
      .call(axisBottom<Date>(x).tickValues(days).tickFormat(dates(Math.max(step, DAY))).tickSize(4));
    grid.selectAll("line").data(days).join("line")
      .attr("x1", (day) => x(day)).attr("x2", (day) => x(day)).attr("y2", height);
  };
  const zooming = zoom<SVGSVGElement, unknown>()
    .scaleExtent([1, Math.max(4, (to - from + 2 * room) / (4 * DAY))])
    .extent(() => [[0, 0], [width, height]])
    .translateExtent([[0, -Infinity], [width, Infinity]])
    .filter(forPicture)
    .on("zoom", (event: { transform: ZoomTransform }) => {
      transform = event.transform;
      figure.dataset["scale"] = transform.k.toFixed(3);
      render();
    });
  svg.call(zooming).on("dblclick.zoom", null);
  const change = (how: string): void => {
    if (how === "all") svg.call(zooming.transform, zoomIdentity);
    else if (how) svg.call(zooming.scaleBy, how === "in" ? 1.5 : 1 / 1.5);
  };
  tools(found, change);
  rove(marks, (event) => {
    const how = zoomOf(event);
    if (how) change(how);
    const step = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
    if (step && !event.shiftKey) svg.call(zooming.translateBy, (step * width) / 6 / transform.k, 0);
    return Boolean(how || step);
  });
  new ResizeObserver(() => {
    const now = drawing.clientWidth;
    if (!now || now === width) return;
    width = now;
    base.range([EDGE, width - EDGE]);
    svg.attr("width", width).attr("viewBox", `0 0 ${width} ${height}`);
    svg.selectAll(".reach").attr("width", width);
    axis.attr("width", width);
    zooming.translateExtent([[0, -Infinity], [width, Infinity]]);
    svg.call(zooming.transform, zoomIdentity);
  }).observe(drawing);
  render();
  figure.dataset["drawn"] = String(marks.length);
}

/** Draws one bar, and returns what places it anew. */
function drawBar(mark: Layer, bar: Bar, name: string, room: () => number): (x: (moment: number) => number) => void {
  const y = bar.top + 22;
  const body = mark.append("rect").attr("class", "body").attr("y", y).attr("height", 9);
  if (bar.how === "within" || bar.how === "about") body.attr("fill", `url(#hatch-${bar.status})`);
  if (bar.how === "about") body.attr("mask", "url(#faded)");
  const before = bar.first === null ? mark.append("path").attr("class", "arrow") : null;
  const after = bar.last === null ? mark.append("path").attr("class", "arrow") : null;
  const point = mark.append("path").attr("class", "point").attr("d", shape(bar.status));
  const text = mark.append("text").attr("y", bar.top + 15).attr("lang", language(bar.row) || null);
  text.append("tspan").text(name);
  const node = text.select<SVGTextElement>("tspan").node();
  let fitted = 0;
  return (x) => {
    const width = room();
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
    point.attr("transform", `translate(${at + 6} ${bar.top + 10.5})`);
    text.attr("x", at + 16);
  };
}

draw();
