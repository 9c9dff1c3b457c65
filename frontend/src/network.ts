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
  /** Where it is on the screen, the forms of its name, the longest first, and which of them is shown. */
  at: [number, number];
  forms: Form[];
  form?: Form;
}

/** A name in lines, and how wide and high they are. */
interface Form {
  rows: string[];
  wide: number;
  high: number;
}

/** Left, top, right and bottom. */
type Box = [number, number, number, number];

interface Tie {
  row: HTMLElement;
  source: Agent;
  target: Agent;
  count: number;
  standing: string;
  bend: number;
}

const LINE = 15;

/** Returns a name in lines of about so many letters; what has no room is left out after a whole word. */
function inLines(name: string, letters: number, lines: number): string[] {
  const rows = [""];
  for (const word of name.split(" ")) {
    const row = rows[rows.length - 1] ?? "";
    const longer = row ? `${row} ${word}` : word;
    if (!row || [...longer].length <= letters) rows[rows.length - 1] = longer;
    else if (rows.length < lines) rows.push(word);
    else {
      rows[rows.length - 1] = `${row}…`;
      break;
    }
  }
  return rows;
}

/** Returns where a name may stand, the best place first: below its mark, above, beside it, or askew. */
function places([x, y]: [number, number], { wide, high }: Form, width: number, height: number): Box[] {
  const away = x < 0 || x > width || y < 0 || y > height;
  const middle = (away ? x : Math.max(wide / 2, Math.min(x, width - wide / 2))) - wide / 2;
  const [right, left] = [x + 12, x - 12 - wide];
  return [[middle, y + 12], [middle, y - 12 - high], [right, y - high / 2], [left, y - high / 2], [right, y], [left, y], [right, y - high], [left, y - high]]
    .map(([x = 0, y = 0]): Box => [x, y, x + wide, y + high])
    .filter(([left, top, right, bottom]) => away || (left > -1 && top > -1 && right < width + 1 && bottom < height + 1));
}

function apart(one: Box, other: Box): boolean {
  return one[2] < other[0] || one[0] > other[2] || one[3] < other[1] || one[1] > other[3];
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
    at: [0, 0], forms: [],
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
  // Where it is narrow there is more room below a name than beside it.
  const shapes: [number, number][] = width < 500 ? [[16, 3], [12, 2], [8, 2], [8, 1]] : [[32, 1], [16, 2], [10, 3]];
  const write = (text: SVGTextElement, { rows }: Form): void => {
    select(text).selectAll("tspan").data(rows).join("tspan")
      .attr("dy", (_, n) => (n ? LINE : 12)).text((row, n) => (n < rows.length - 1 ? `${row} ` : row));
  };
  nodes.append("text").attr("text-anchor", "middle").each(function (agent) {
    agent.forms = shapes.map(([letters, lines]) => {
      const form: Form = { rows: inLines(words(agent.row.querySelector("td")), letters, lines), wide: 0, high: 0 };
      write(this, form);
      form.wide = 6 + Math.max(...[...this.querySelectorAll("tspan")].map((row) => row.getComputedTextLength()));
      form.high = 2 + LINE * form.rows.length;
      return form;
    });
  });
  let view: ZoomTransform = zoomIdentity;
  const render = (): void => {
    for (const agent of agents) agent.at = view.apply([agent.x, agent.y]);
    lines.selectAll<SVGPathElement, Tie>("path").attr("d", curve);
    nodes.attr("transform", (agent) => `translate(${agent.at[0]} ${agent.at[1]})`);
    // Those with the most ties are first in the table: their names have the first choice of places.
    const taken = new Map<Box, Agent | null>(agents.map((agent) => {
      const [x, y] = agent.at;
      return [[x - 11, y - 11, x + 11, y + 11], agent];
    }));
    nodes.select<SVGTextElement>("text").each(function (agent) {
      let found: [Form, Box] | undefined;
      for (const form of agent.forms) {
        const free = places(agent.at, form, width, height)
          .find((box) => [...taken].every(([other, owner]) => owner === agent || apart(box, other)));
        if (free) {
          found = [form, free];
          taken.set(free, null);
          break;
        }
      }
      const form = found?.[0] ?? agent.forms[0];
      if (!form) return;
      const [left, top] = found?.[1] ?? places(agent.at, form, width, height)[0] ?? agent.at;
      if (agent.form !== form) write(this, form);
      agent.form = form;
      select(this).attr("y", top - agent.at[1]).classed("hidden-label", !found)
        .selectAll("tspan").attr("x", left + form.wide / 2 - agent.at[0]);
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
