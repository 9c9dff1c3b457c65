// Draws the small timeline of the home page, which does not move.
import { dates, DAY, drawBars, EDGE, read } from "./picture/bars.js";
import { canvas, picture } from "./picture/picture.js";

const TICKS = 4;
const GAP = 10;

function draw(): void {
  const found = picture("timeline");
  if (!found) return;
  const lines = read(found.rows);
  if (!lines.bars.length) return;
  const foot = 20;
  const svg = canvas(found, 0, lines.height + foot);
  const grid = svg.append("g").attr("class", "grid").attr("aria-hidden", "true");
  const [marks, place] = drawBars(svg, lines, 0);
  const room = Math.max((lines.to - lines.from) * 0.04, DAY);
  const [from, to] = [lines.from - room, lines.to + room];
  const name = dates(DAY);
  const render = (): void => {
    const width = found.drawing.clientWidth;
    const x = (moment: number): number => EDGE + ((moment - from) / (to - from)) * (width - 2 * EDGE);
    svg.attr("width", width).attr("viewBox", `0 0 ${width} ${lines.height + foot}`);
    svg.selectAll(".reach").attr("width", width);
    place(x, width);
    const count = Math.max(2, Math.min(TICKS, Math.floor(width / 140)));
    const days = Array.from({ length: count }, (_, n) => Math.round((lines.from + ((lines.to - lines.from) * (n + 0.5)) / count) / DAY) * DAY);
    grid.selectAll("*").remove();
    let end = -Infinity;
    for (const day of days) {
      const text = grid.append("text").attr("x", x(day)).attr("y", lines.height + 13).attr("text-anchor", "middle").text(name(new Date(day)));
      const box = text.node()?.getBBox();
      // How long a date is depends on the language.
      if (box && box.x < end + GAP) { text.remove(); continue; }
      if (box) end = box.x + box.width;
      grid.append("line").attr("x1", x(day)).attr("x2", x(day)).attr("y2", lines.height);
    }
  };
  new ResizeObserver(render).observe(found.drawing);
  render();
  found.figure.dataset["drawn"] = String(marks.length);
}

draw();
