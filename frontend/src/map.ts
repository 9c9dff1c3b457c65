// Draws the places of a table on outlines of land, which have no borders.
import { geoGraticule10, geoNaturalEarth1, geoPath, type GeoProjection } from "d3-geo";
import { select, type Selection } from "d3-selection";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";
import { feature } from "topojson-client";
import coarse from "world-atlas/land-110m.json";
import type { GeometryCollection, Topology } from "topojson-specification";
import { address, canvas, cuts, forPicture, head, label, language, picture, rove, said, tools, zoomOf, type Layer } from "./picture/picture.js";

const FINE = 5;
const CLOSEST = 60;
const LARGEST = 40;
const BESIDE = 4;
const HALF_LINE = 9;

interface Spot {
  row: HTMLElement;
  at: [number, number];
  count: number;
  disputed: boolean;
  label: string;
}

interface Place {
  mark: Layer;
  x: number;
  y: number;
  r: number;
  text: Selection<SVGTextElement, unknown, null, undefined>;
  spot: Spot;
}

type World = Topology<{ land: GeometryCollection }>;

function land(world: World): GeoJSON.FeatureCollection {
  return feature(world, world.objects.land);
}

function legend(figure: HTMLElement): void {
  for (const key of figure.querySelectorAll<HTMLElement>("[data-key]")) {
    const svg = select(key).append("svg").attr("width", 30).attr("height", 16).attr("aria-hidden", "true");
    const spot = svg.append("g").attr("class", key.dataset["key"] === "disputed" ? "spot disputed" : "spot");
    spot.append("circle").attr("cx", 21).attr("cy", 8).attr("r", 6);
    if (key.dataset["key"] === "spot") spot.append("circle").attr("cx", 7).attr("cy", 8).attr("r", 3);
  }
}

async function draw(): Promise<void> {
  const found = picture("map");
  if (!found) return;
  const { figure, drawing, rows } = found;
  const small = figure.classList.contains("small");
  const spots: Spot[] = rows.filter((row) => row.dataset["latitude"]).map((row) => ({
    row,
    at: [Number(row.dataset["longitude"]), Number(row.dataset["latitude"])],
    count: Number(row.dataset["count"] ?? 0),
    disputed: Number(row.dataset["disputed"] ?? 0) > 0,
    label: label(row),
  }));
  const width = drawing.clientWidth;
  const height = Math.round(Math.max(small ? 160 : 260, Math.min(width * 0.52, 620)));
  // The larger ones first, so that the smaller stay within reach; the keyboard goes by the table.
  const most = Math.max(1, ...spots.map((spot) => spot.count));
  const growth = Math.min(3, (LARGEST - 5) / Math.sqrt(most));
  const radius = (spot: Spot): number => (small ? 6 : 5 + growth * Math.sqrt(spot.count));
  const globeWithin = (edge: number): GeoProjection =>
    geoNaturalEarth1().fitExtent([[edge, edge], [width - edge, height - edge]], { type: "Sphere" });
  // What lies at a pole or where the map ends is whole.
  const edge = Math.max(4, ...spots.map((spot) => {
    const [x, y] = globeWithin(4)(spot.at) ?? [width / 2, height / 2];
    const needed = Math.max(radius(spot) + 2, HALF_LINE + 2);
    return Math.min(x, y, width - x, height - y) < needed ? needed : 4;
  }));
  const projection = globeWithin(edge);
  const path = geoPath(projection);
  const svg = canvas(found, width, height);
  const globe = svg.append("g").attr("class", "globe").attr("aria-hidden", "true");
  globe.append("path").attr("class", "sea").attr("d", path({ type: "Sphere" }) ?? "");
  globe.append("path").attr("class", "graticule").attr("d", path(geoGraticule10()) ?? "");
  const outline = globe.append("path").attr("class", "land");

  const layer = svg.append("g");
  const marks: SVGAElement[] = [];
  const places: Place[] = [];
  const order = [...spots.keys()].sort((a, b) => (spots[b]?.count ?? 0) - (spots[a]?.count ?? 0));
  for (const number of order) {
    const spot = spots[number];
    const at = spot && projection(spot.at);
    if (!spot || !at) continue;
    const href = address(spot.row.querySelector(".what"));
    const mark = layer.append<SVGAElement>("a").attr("class", spot.disputed ? "pin spot disputed" : "pin spot");
    if (href) mark.attr("href", href);
    mark.attr("aria-label", said(spot.row));
    mark.append("title").text(said(spot.row));
    const r = radius(spot);
    mark.append("circle").attr("class", "reach").attr("r", Math.max(12, r));
    mark.append("circle").attr("class", "body").attr("r", r);
    const text = mark.append("text").attr("x", r + BESIDE).attr("dy", ".35em")
      .attr("lang", language(spot.row) || null).text(spot.label);
    places.push({ mark: mark as unknown as Layer, x: at[0], y: at[1], r, text, spot });
    const node = mark.node();
    if (node) marks[number] = node;
  }
  const lengths = new Map(places.map((place) => {
    const node = place.text.node();
    return [place, node ? cuts(node, head(place.spot.row).length) : []];
  }));
  const render = (t: ZoomTransform): void => {
    globe.attr("transform", t.toString());
    const taken: [number, number, number, number][] = [];
    for (const place of places) {
      const [x, y] = t.apply([place.x, place.y]);
      place.mark.attr("transform", `translate(${x} ${y})`);
      const beside = place.r + BESIDE;
      const [after, before] = [width - x - beside - 2, x - beside - 2];
      const ways = lengths.get(place) ?? [];
      const onMap = x >= 0 && x <= width && y >= 0 && y <= height;
      // Beside the mark, or where more of it can be read there, below or above.
      const aside = ways.find(([, length]) => length <= Math.max(after, before));
      const way = onMap ? ways.find(([, length]) => length <= width - 4) : undefined;
      if (!way) {
        place.text.text("").classed("hidden-label", true);
        continue;
      }
      const [characters, length] = way;
      const whole = place.spot.label;
      const line = place.r + HALF_LINE + 2;
      const left = way !== aside ? Math.max(2 - x, Math.min(-length / 2, width - 2 - length - x))
        : length <= after ? beside : -beside - length;
      const down = way === aside ? 0 : y + line + HALF_LINE < height ? line : -line;
      const box: [number, number, number, number] =
        [x + left, y + down - HALF_LINE, x + left + length, y + down + HALF_LINE];
      const free = taken.every((o) => box[2] < o[0] || box[0] > o[2] || box[3] < o[1] || box[1] > o[3]);
      if (free) taken.push(box);
      place.text.text(characters < whole.length ? `${whole.slice(0, characters)}…` : whole)
        .attr("x", left).attr("y", down).classed("hidden-label", !free);
    }
  };
  let fine = false;
  const refine = async (): Promise<void> => {
    const url = figure.dataset["fine"];
    if (fine || !url || location.protocol === "file:") return; // from a file nothing is fetched
    fine = true;
    const world = (await (await fetch(url)).json()) as World;
    outline.attr("d", path(land(world)) ?? "");
  };
  let transform: ZoomTransform = zoomIdentity;
  const zooming = zoom<SVGSVGElement, unknown>()
    .scaleExtent([1, CLOSEST])
    .extent([[0, 0], [width, height]])
    .translateExtent([[0, 0], [width, height]])
    .filter(forPicture)
    .on("zoom", (event: { transform: ZoomTransform }) => {
      transform = event.transform;
      figure.dataset["scale"] = transform.k.toFixed(3);
      render(transform);
      if (transform.k > FINE) void refine();
    });
  svg.call(zooming).on("dblclick.zoom", null);
  const home = around(places, width, height, small ? 4 : 12);
  const change = (how: string): void => {
    if (how === "all") svg.call(zooming.transform, transform.toString() === home.toString() ? zoomIdentity : home);
    else if (how) svg.call(zooming.scaleBy, how === "in" ? 1.6 : 1 / 1.6);
  };
  tools(found, change);
  rove(marks.filter(Boolean), (event) => {
    const how = zoomOf(event);
    if (how) change(how);
    const [dx, dy] = event.shiftKey ? ({ ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0]) : [0, 0];
    if (dx || dy) svg.call(zooming.translateBy, ((dx ?? 0) * width) / 6 / transform.k, ((dy ?? 0) * height) / 6 / transform.k);
    return Boolean(how || dx || dy);
  });
  legend(figure);
  outline.attr("d", path(land(coarse as unknown as World)) ?? "");
  figure.dataset["landDrawn"] = "yes";
  svg.call(zooming.transform, home);
  figure.dataset["drawn"] = String(places.length);
}

/** Returns the view in which all places are, with land around them that is known by its outline. */
function around(places: { x: number; y: number }[], width: number, height: number, closest: number): ZoomTransform {
  if (!places.length) return zoomIdentity;
  const [xs, ys] = [places.map((place) => place.x), places.map((place) => place.y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const k = Math.max(1, Math.min(closest / 2, 0.7 / Math.max((right - left) / width, (bottom - top) / height)));
  const inside = (moved: number, size: number): number => Math.min(0, Math.max(size * (1 - k), moved));
  return zoomIdentity
    .translate(inside(width / 2 - (k * (left + right)) / 2, width), inside(height / 2 - (k * (top + bottom)) / 2, height))
    .scale(k);
}

void draw();
