// What the pictures share: they draw the rows of a table that is on the page already, with its words.
import { select, type Selection } from "d3-selection";

export type Svg = Selection<SVGSVGElement, unknown, null, undefined>;
export type Layer = Selection<SVGGElement, unknown, null, undefined>;

/** A picture: its figure, where to draw, and the rows of its table. */
export interface Picture {
  figure: HTMLElement;
  drawing: HTMLElement;
  rows: HTMLElement[];
}

/** Returns the picture of this page, with its tools and legend shown; null where there is none. */
export function picture(id: string): Picture | null {
  const figure = document.getElementById(id);
  const drawing = figure?.querySelector<HTMLElement>(".drawing");
  const source = figure && document.querySelector<HTMLElement>(figure.dataset["source"] ?? "");
  if (!figure || !drawing || !source) return null;
  for (const part of figure.querySelectorAll<HTMLElement>(".drawing, .tools, .hint, .legend")) part.hidden = false;
  return { figure, drawing, rows: [...source.querySelectorAll<HTMLElement>("tr, li")] };
}

/** Returns what an element says, on one line. */
export function words(element: Element | null | undefined): string {
  return (element?.textContent ?? "").replace(/\s+/g, " ").trim();
}

/** Returns what a row is about, with its mark; of a proposition, its derived status after it. */
export function label(row: HTMLElement): string {
  const what = row.querySelector(".what");
  const status = words(what?.querySelector(".badge"));
  const named = words(what?.querySelector(".described, .attributed")) || words(what);
  return status && named !== status ? `${named} · ${status}` : named;
}

/** Returns what of the label of a row may never be left out: its mark or its speaker. */
export function head(row: HTMLElement): string {
  const named = row.querySelector(".what .described, .what .attributed, .what .made");
  const last = [...(named?.querySelectorAll(".mark, .stance-word") ?? [])].at(-1);
  if (!named || !last) return "";
  const range = document.createRange();
  range.setStart(named, 0);
  range.setEndAfter(last);
  return range.toString().replace(/\s+/g, " ").trim();
}

/** Returns the language of what a row is about; empty where it is that of the page. */
export function language(row: HTMLElement): string {
  return row.querySelector<HTMLElement>(".what [lang]")?.lang ?? "";
}

/** Returns all that a row says: when, what with its mark, how many, and who says what of it. */
export function said(row: HTMLElement): string {
  const when = words(row.querySelector(".when"));
  const several = words(row.querySelector(row.querySelector(".examples") ? "td.n" : ".several"));
  const own = label(row);
  const examples = [...row.querySelectorAll<HTMLElement>(".examples > li")].map(said);
  const positions = examples.length ? [] : [...row.querySelectorAll(".positions .position")].map(words);
  return [when, own, several, ...positions, ...examples].filter(Boolean).join(". ");
}

/** Returns the page that the first link in an element leads to. */
export function address(element: Element | null | undefined): string {
  return element?.querySelector("a")?.getAttribute("href") ?? "";
}

/** Makes the picture itself; `group` because the marks in it are links, with names of their own. */
export function canvas(picture: Picture, width: number, height: number): Svg {
  const name = picture.figure.dataset["name"] ?? "";
  const svg = select(picture.drawing)
    .append("svg")
    .attr("class", "canvas")
    .attr("width", width)
    .attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`)
    .attr("role", "group")
    .attr("aria-label", name);
  return svg;
}

/** Links the marks into one stop of the keyboard: arrow keys go from one to the next. */
export function rove(marks: SVGAElement[], keys: (event: KeyboardEvent) => boolean): void {
  const first = marks[0];
  if (first) first.setAttribute("tabindex", "0");
  for (const [place, mark] of marks.entries()) {
    if (mark !== first) mark.setAttribute("tabindex", "-1");
    mark.addEventListener("focus", () => {
      for (const other of marks) other.setAttribute("tabindex", other === mark ? "0" : "-1");
    });
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
      if (keys(event)) event.preventDefault();
      else if (step && !event.shiftKey) {
        marks[(place + step + marks.length) % marks.length]?.focus();
        event.preventDefault();
      }
    });
  }
}

/** Calls `zoom` when a button of the picture is pressed: "in", "out" or "all". */
export function tools(picture: Picture, zoom: (how: string) => void): void {
  for (const button of picture.figure.querySelectorAll<HTMLElement>("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset["zoom"] ?? ""));
  }
}

/** Returns how a key zooms: "in", "out", "all" or nothing. */
export function zoomOf(event: KeyboardEvent): string {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  return { "+": "in", "=": "in", "-": "out", "−": "out", "0": "all" }[event.key] ?? "";
}

/** Whether a gesture is for the picture: a wheel that only scrolls the page is not. */
export function forPicture(event: Event): boolean {
  if (event.type === "wheel") return (event as WheelEvent).ctrlKey || (event as WheelEvent).metaKey;
  return !(event as MouseEvent).button;
}

/** Returns how a text can be shortened after a whole word, the longest first: how many characters
 * stay, and how wide they are with the sign for what is left out. Its first characters, and a word
 * after them, always stay. */
export function cuts(text: SVGTextElement, kept: number): [characters: number, width: number][] {
  const whole = text.textContent ?? "";
  const rest = [...whole.matchAll(/(?<=\S)\s+/gu)].map((space) => space.index).filter((at) => at > kept);
  const sign = 1.1 * parseFloat(getComputedStyle(text).fontSize);
  const found: [number, number][] = [[whole.length, text.getComputedTextLength()]];
  for (const at of rest.reverse()) found.push([at, text.getSubStringLength(0, at) + sign]);
  return found;
}

/** Shortens a text until it is no wider than it may be; its beginning, with the mark, stays. */
export function fit(text: SVGTextElement, width: number): void {
  const whole = text.textContent ?? "";
  let length = text.getComputedTextLength();
  if (length <= width) return;
  let shown = [...whole];
  while (length > width && shown.length > 1) {
    shown = shown.slice(0, Math.max(1, Math.floor((shown.length * width) / length) - 1));
    // After a whole word, where there is one: what is seen is then a part of the name.
    text.textContent = `${shown.join("").replace(/(?<=\S)\s+\S*$/u, "").trimEnd()}…`;
    length = text.getComputedTextLength();
  }
}
