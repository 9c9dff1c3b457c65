// Draws who is described as acting on whom, from two tables.
import { drag } from "d3-drag";
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from "d3-force";
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";
import { address, canvas, forPicture, picture, rove, said, tools, words, zoomOf, type Svg } from "./picture/picture.js";
import { shape } from "./picture/shapes.js";

const SHAPES: Record<string, string> = {
  person: "circle", state: "square", organisation: "diamond", source: "triangle", other: "wedge",
};
const STANDINGS = ["described", "disputed", "planned"];

interface Agent extends SimulationNodeDatum {
  iri: string;
  row: HTMLElement;
  shape: string;
  side: string;
  x: number;
  y: number;
  /** Where it is on the screen, and how wide its name is. */
  at: [number, number];
  name: number;
}

interface Tie {
  row: HTMLElement;
  source: Agent;
  target: Agent;
  count: number;
  standing: string;
  bend: number;
}

function kindShape(kind: string, r: number): string {
  return shape(SHAPES[kind] ?? "wedge", r);
}

/** Defines the heads of arrows: full, hollow for disputed ties, open for planned ones. */
function define(svg: Svg): void {
  const defs = svg.append("defs");
  for (const standing of STANDINGS) {
    const marker = defs.append("marker").attr("id", `head-${standing}`).attr("class", `head ${standing}`)
      .attr("viewBox", "-1 -6 14 12").attr("refX", 11).attr("markerWidth", 12).attr("markerHeight", 11)
      .attr("markerUnits", "userSpaceOnUse").attr("orient", "auto");
    const d = standing === "disputed" ? "M0 0 L5.5 -5 L11 0 L5.5 5 Z" : standing === "planned" ? "M0 -5 L11 0 L0 5" : "M0 -5 L11 0 L0 5 Z";
    marker.append("path").attr("d", d);
  }
}

function legend(figure: HTMLElement): void {
  for (const key of figure.querySelectorAll<HTMLElement>("[data-key]")) {
    const svg = select(key).append("svg").attr("width", 34).attr("height", 14).attr("aria-hidden", "true");
    if (key.dataset["key"] === "tie") {
      const standing = key.dataset["standing"] ?? "";
      svg.append("path").attr("class", `tie ${standing}`).attr("d", "M1 7 L32 7").attr("marker-end", `url(#head-${standing})`);
    } else {
      svg.append("path").attr("class", "body").attr("d", kindShape(key.dataset["shape"] ?? "", 5)).attr("transform", "translate(17 7)");
    }
  }
}

/** Lays the network out, the same way every time: who acts for the same side stands together. */
function layOut(agents: Agent[], ties: Tie[], width: number, height: number): void {
  const sides = [...new Set(agents.map((agent) => agent.side))];
  const centre = (side: string): [number, number] => {
    const angle = (2 * Math.PI * sides.indexOf(side)) / Math.max(1, sides.length);
    return [width / 2 + 0.34 * width * Math.cos(angle), height / 2 + 0.36 * height * Math.sin(angle)];
  };
  for (const [place, agent] of agents.entries()) {
    const [x, y] = centre(agent.side);
    agent.x = x + (place % 5) * 9;
    agent.y = y + (place % 7) * 9;
  }
  forceSimulation(agents)
    .force("charge", forceManyBody<Agent>().strength(-420).distanceMax(width / 2))
    .force("link", forceLink<Agent, { source: Agent; target: Agent }>(ties.map(({ source, target }) => ({ source, target })))
      .distance(Math.min(150, width / 4)).strength(0.25))
    .force("apart", forceCollide<Agent>(34))
    .force("x", forceX<Agent>((agent) => centre(agent.side)[0]).strength(0.09))
    .force("y", forceY<Agent>((agent) => centre(agent.side)[1]).strength(0.13))
    .stop()
    .tick(320);
  // What the forces made, into the picture.
  const [xs, ys] = [agents.map((agent) => agent.x), agents.map((agent) => agent.y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const margin = Math.min(70, width / 6);
  for (const agent of agents) {
    agent.x = right > left ? margin + ((agent.x - left) / (right - left)) * (width - 2 * margin) : width / 2;
    agent.y = bottom > top ? 30 + ((agent.y - top) / (bottom - top)) * (height - 70) : height / 2;
  }
}

function curve(tie: Tie): string {
  const [[ax, ay], [bx, by]] = [tie.source.at, tie.target.at];
  if (tie.source === tie.target) return `M${ax - 6} ${ay - 10} C${ax - 40} ${ay - 50} ${ax + 40} ${ay - 50} ${ax + 6} ${ay - 11}`;
  const length = Math.hypot(bx - ax, by - ay) || 1;
  const [mx, my] = [(ax + bx) / 2 - ((by - ay) / length) * tie.bend, (ay + by) / 2 + ((bx - ax) / length) * tie.bend];
  const short = (x: number, y: number, by: number): string => {
    const far = Math.hypot(x - mx, y - my) || 1;
    return `${x - ((x - mx) / far) * by} ${y - ((y - my) / far) * by}`;
  };
  return `M${short(ax, ay, 10)} Q${mx} ${my} ${short(bx, by, 13)}`;
}

function draw(): void {
  const found = picture("network");
  const table = document.querySelector(found?.figure.dataset["agents"] ?? "none");
  if (!found || !table) return;
  const { figure, drawing, rows } = found;
  const agents: Agent[] = [...table.querySelectorAll<HTMLElement>("[data-iri]")].map((row) => ({
    iri: row.dataset["iri"] ?? "", row, shape: row.dataset["shape"] ?? "", side: row.dataset["side"] ?? "", x: 0, y: 0,
    at: [0, 0], name: 0,
  }));
  const byIri = new Map(agents.map((agent) => [agent.iri, agent]));
  const ties: Tie[] = [];
  const between = new Map<string, number>();
  for (const row of rows) {
    const [source, target] = [byIri.get(row.dataset["from"] ?? ""), byIri.get(row.dataset["to"] ?? "")];
    if (!source || !target) continue;
    const pair = [source.iri, target.iri].join(" ");
    const place = between.get(pair) ?? 0;
    between.set(pair, place + 1);
    ties.push({ row, source, target, count: Number(row.dataset["count"] ?? 1), standing: row.dataset["standing"] ?? "", bend: 22 + 20 * place });
  }
  const width = drawing.clientWidth;
  const height = Math.round(Math.max(380, width < 500 ? Math.min(640, 200 + 24 * agents.length) : Math.min(width * 0.62, 260 + 14 * agents.length, 720)));
  layOut(agents, ties, width, height);
  const svg = canvas(found, width, height);
  define(svg);
  const all = svg.append("g");
  const marks: SVGAElement[] = [];
  const near = (node: Element | null, one: (tie: Tie) => boolean): void => {
    for (const name of ["pointerenter", "focus"]) node?.addEventListener(name, () => {
      all.classed("dimmed", true);
      lines.classed("near", one);
      nodes.classed("near", (agent) => ties.some((tie) => one(tie) && (tie.source === agent || tie.target === agent)));
    });
    for (const name of ["pointerleave", "blur"]) node?.addEventListener(name, () => all.classed("dimmed", false));
  };
  const lines = all.append("g").selectAll<SVGAElement, Tie>("a").data(ties).join((enter) => enter.append<SVGAElement>("a"))
    .attr("class", (tie) => `pin tie ${tie.standing}`)
    .attr("href", (tie) => `#${tie.row.id}`)
    .attr("aria-label", (tie) => said(tie.row));
  lines.append("title").text((tie) => said(tie.row));
  lines.append("path").attr("class", "reach");
  lines.append("path").attr("class", (tie) => `tie ${tie.standing}`)
    .attr("stroke-width", (tie) => 1.4 + Math.min(4, Math.log2(tie.count)))
    .attr("marker-end", (tie) => `url(#head-${tie.standing})`);
  const nodes = all.append("g").selectAll<SVGAElement, Agent>("a").data(agents).join((enter) => enter.append<SVGAElement>("a"))
    .attr("class", (agent) => `pin agent ${agent.shape}`)
    .attr("href", (agent) => address(agent.row))
    .attr("aria-label", (agent) => [...agent.row.querySelectorAll("td")].slice(0, 3).map(words).filter(Boolean).join(", "));
  nodes.append("title").text((agent) => words(agent.row.querySelector("td")));
  nodes.append("circle").attr("class", "reach").attr("r", 14);
  nodes.append("path").attr("class", "body").attr("d", (agent) => kindShape(agent.shape, 7.5));
  const most = width < 500 ? 20 : 32;
  nodes.append("text").attr("y", 24).attr("text-anchor", "middle").text((agent) => {
    const name = [...words(agent.row.querySelector("td"))];
    return name.length > most ? `${name.slice(0, most - 1).join("").trimEnd()}…` : name.join("");
  });
  nodes.each(function (agent) { agent.name = this.querySelector("text")?.getComputedTextLength() ?? 0; });
  let view: ZoomTransform = zoomIdentity;
  const render = (): void => {
    const taken: [number, number, number, number][] = [];
    for (const agent of agents) agent.at = view.apply([agent.x, agent.y]);
    lines.selectAll<SVGPathElement, Tie>("path").attr("d", curve);
    // Those with the most ties are first in the table: their names stay where two are too near.
    nodes.attr("transform", (agent) => `translate(${agent.at[0]} ${agent.at[1]})`);
    nodes.select<SVGTextElement>("text").each(function (agent) {
      const [[x, y], half] = [agent.at, agent.name / 2 + 3];
      const inside = x > 0 && x < width ? Math.max(half, Math.min(x, width - half)) : x;
      const box: [number, number, number, number] = [inside - half, y + 12, inside + half, y + 29];
      const free = taken.every((o) => box[2] < o[0] || box[0] > o[2] || box[3] < o[1] || box[1] > o[3]);
      if (free) taken.push(box);
      select(this).attr("x", inside - x).classed("hidden-label", !free);
    });
  };
  lines.each(function (tie) { near(this, (one) => one === tie); });
  nodes.each(function (agent) { near(this, (one) => one.source === agent || one.target === agent); });
  nodes.call(drag<SVGAElement, Agent>().on("drag", (event: { dx: number; dy: number }, agent) => {
    [agent.x, agent.y] = [agent.x + event.dx / view.k, agent.y + event.dy / view.k];
    render();
  }) as never);
  marks.push(...(nodes.nodes()), ...(lines.nodes()));
  const zooming = zoom<SVGSVGElement, unknown>().scaleExtent([0.5, 8]).extent([[0, 0], [width, height]])
    .filter(forPicture).on("zoom", (event: { transform: ZoomTransform }) => {
      view = event.transform;
      figure.dataset["scale"] = view.k.toFixed(3);
      render();
    });
  svg.call(zooming).on("dblclick.zoom", null);
  const change = (how: string): void => {
    if (how === "all") svg.call(zooming.transform, zoomIdentity);
    else if (how) svg.call(zooming.scaleBy, how === "in" ? 1.4 : 1 / 1.4);
  };
  tools(found, change);
  rove(marks, (event) => {
    const how = zoomOf(event);
    if (how) change(how);
    return Boolean(how);
  });
  legend(figure);
  render();
  figure.dataset["drawn"] = String(ties.length);
}

draw();
