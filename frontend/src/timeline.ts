// Draws the events of a table as bars on a line of time.
import { axisBottom } from "d3-axis";
import { scaleUtc } from "d3-scale";
import { select, type Selection } from "d3-selection";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";
import { dates, DAY, drawBars, EDGE, point, read } from "./picture/bars.js";
import { canvas, forPicture, picture, rove, tools, zoomOf } from "./picture/picture.js";

function legend(figure: HTMLElement): void {
  for (const key of figure.querySelectorAll<HTMLElement>("[data-key]")) {
    const svg = select(key).append("svg").attr("width", 30).attr("height", 14).attr("aria-hidden", "true");
    const what = key.dataset["key"];
    if (what === "status") {
      svg.append("path").attr("class", `status-${key.dataset["status"]} point`).attr("d", point(key.dataset["status"] ?? ""))
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

/** Moves the names of moments that the edges would cut; leaves out what would then touch another. */
function inside(axis: Selection<SVGSVGElement, unknown, null, undefined>, x: (day: Date) => number, width: number): void {
  let taken = 0;
  axis.selectAll<SVGTextElement, Date>(".tick text").each(function (day) {
    const [at, length] = [x(day), this.getComputedTextLength()];
    const left = Math.max(2, Math.min(at - length / 2, width - length - 2));
    const free = left >= taken;
    if (free) taken = left + length + 8;
    select(this).attr("dx", left + length / 2 - at).attr("visibility", free ? null : "hidden");
  });
}

function draw(): void {
  const found = picture("timeline");
  if (!found) return;
  const { figure, drawing, rows } = found;
  const lines = read(rows);
  const { height, from, to } = lines;
  const room = Math.max((to - from) * 0.04, DAY);
  let width = drawing.clientWidth;
  const base = scaleUtc().domain([from - room, to + room]).range([EDGE, width - EDGE]);

  const scroller = document.createElement("div");
  scroller.className = "scroller";
  drawing.append(scroller);
  const svg = canvas({ ...found, drawing: scroller }, width, height);
  const grid = svg.append("g").attr("class", "grid").attr("aria-hidden", "true");
  const [marks, place] = drawBars(svg, lines, width);
  const axis = select(drawing).append("svg").attr("class", "axis").attr("width", width).attr("height", 26)
    .attr("aria-hidden", "true");
  legend(figure);

  let transform: ZoomTransform = zoomIdentity;
  const render = (): void => {
    const x = transform.rescaleX(base);
    place(x, width);
    const ticks = x.ticks(Math.max(2, Math.floor(width / 130)));
    const step = ticks.length > 1 ? Number(ticks[1]) - Number(ticks[0]) : 400 * DAY;
    const days = ticks.filter((tick) => Number(tick) % DAY === 0);
    axis.selectAll("*").remove();
    axis.append("g").attr("class", "ticks")
      .call(axisBottom<Date>(x).tickValues(days).tickFormat(dates(Math.max(step, DAY))).tickSize(4));
    inside(axis, x, width);
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

draw();
