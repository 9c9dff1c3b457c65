// The query page: an editor over its text field, completion from this release, the chooser of
// questions, the pictures, the raw answer. The text field stays what is sent; without this the page
// is whole.

import {
  autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion,
  type Completion, type CompletionContext, type CompletionResult,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting, syntaxTree,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, type Text } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import "./site";
import { sparql } from "./sparql/language";

interface Words { text: string; lang: string }
interface Term {
  name: string; kind: string; label: Words; definition: Words | null; scheme: string | null; count: number;
}
interface Terms { prefixes: Record<string, string>; terms: Term[]; values: Record<string, string> }
interface Hit { iri: string; kind: string; label: string; lang: string }
type Option = Completion & { words?: Words; more?: Words | null };

const RAW = 200_000; // characters of the raw answer that are shown
const KEYWORDS = (
  "SELECT DISTINCT REDUCED WHERE FILTER OPTIONAL UNION MINUS GRAPH VALUES BIND AS GROUP BY HAVING ORDER " +
  "ASC DESC LIMIT OFFSET ASK CONSTRUCT DESCRIBE FROM NAMED PREFIX BASE NOT EXISTS IN COUNT SUM MIN MAX AVG " +
  "SAMPLE GROUP_CONCAT STR LANG LANGMATCHES DATATYPE BOUND IF COALESCE CONTAINS STRSTARTS STRENDS STRLEN " +
  "SUBSTR REPLACE REGEX CONCAT LCASE UCASE YEAR MONTH DAY ISIRI ISLITERAL UNDEF"
).split(" ");

function find<T extends Element>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

const form = find<HTMLFormElement>("form.editor");
const area = find<HTMLTextAreaElement>("textarea", form);
const said = JSON.parse(find("#editor-words").textContent ?? "{}") as {
  phrases: Record<string, string>; kinds: Record<string, string>;
};

// --- completion ---------------------------------------------------------------------------------

let loading: Promise<Terms> | undefined;

/** Return the terms of the release; what could not be fetched is asked for again. */
function terms(): Promise<Terms> {
  loading ??= fetch(form.dataset["terms"] ?? "").then((answer) => {
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json() as Promise<Terms>;
  });
  loading.catch(() => { loading = undefined; });
  return loading;
}

function kindIn(kind: string): string {
  return said.kinds[kind] ?? kind;
}

function option(term: Term, boost = 0): Option {
  return {
    label: term.name,
    detail: term.label.text,
    type: term.kind,
    boost: boost + Math.min(20, Math.log2(1 + term.count)),
    words: term.label,
    more: term.definition,
    info: () => described(term),
  };
}

/** Return the box beside a completion: what it is called, what it is, what it means. */
function described(term: Term): Node {
  const box = document.createElement("div");
  for (const [name, words] of [
    ["b", term.label],
    ["i", { text: kindIn(term.kind), lang: "" }],
    ["p", term.definition],
  ] as const) {
    if (!words) continue;
    const part = box.appendChild(document.createElement(name));
    part.textContent = words.text;
    part.dir = "auto";
    if (words.lang) part.lang = words.lang;
    box.append(" ");
  }
  return box;
}

/** Return how a query writes an IRI: with the longest prefix that fits, else in brackets. */
function written(iri: string, prefixes: Record<string, string>): string {
  let found = "", length = 0;
  for (const [name, space] of Object.entries(prefixes)) {
    const local = iri.slice(space.length);
    if (iri.startsWith(space) && space.length > length && /^\w(?:[\w-]*\w)?$/.test(local)) {
      [found, length] = [`${name}:${local}`, space.length];
    }
  }
  return found || `<${iri}>`;
}

/** Return what has a name that begins with these words, of one kind or of any. */
async function things(
  words: string, kind: string, prefixes: Record<string, string>, context: CompletionContext,
): Promise<Option[]> {
  const leaving = new AbortController();
  context.addEventListener("abort", () => leaving.abort());
  const asked = new URLSearchParams({ q: words, format: "json" });
  if (kind) asked.set("kind", kind);
  const lang = new URL(form.dataset["terms"] ?? "", document.baseURI).searchParams.get("lang");
  if (lang) asked.set("lang", lang);
  try {
    const answer = await fetch(`${form.dataset["search"]}?${asked}`, { signal: leaving.signal });
    if (!answer.ok) return [];
    const { hits } = await answer.json() as { hits: Hit[] };
    return hits.map((hit, place) => ({
      label: hit.label, // with its mark or its speaker, as the search gives it
      detail: written(hit.iri, prefixes),
      apply: written(hit.iri, prefixes),
      type: "thing",
      boost: -place,
    }));
  } catch {
    return []; // the reader typed on, or the server is gone: then it is said when the query runs
  }
}

/** Return the property whose value stands at `from`, as it is written; empty if there is none. */
function property(text: string): string {
  return /([\w-]+:[\w-]+)\s+(?:[^\s{}.;"<>]+\s*,\s*)*$/.exec(text)?.[1] ?? "";
}

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const inside = syntaxTree(context.state).resolveInner(context.pos, -1).name;
  if (inside === "comment" || inside === "string") return null;
  const variable = context.matchBefore(/[?$][\p{L}\p{M}\p{N}_]*/u);
  if (variable) {
    const names = new Set(context.state.doc.toString().match(/[?$][\p{L}_][\p{L}\p{M}\p{N}_]*/gu));
    names.delete(variable.text);
    return {
      from: variable.from,
      options: [...names].map((label) => ({ label, type: "variable" })),
      validFor: /^[?$][\p{L}\p{M}\p{N}_]*$/u,
    };
  }
  const word = context.matchBefore(/[\p{L}\p{M}\p{N}_:-]+/u);
  const from = word?.from ?? context.pos;
  const line = context.state.doc.lineAt(from);
  const before = context.state.sliceDoc(Math.max(0, line.from - 500), from);
  const of = property(before);
  if (!word && !context.explicit && !of) return null;
  let known: Terms;
  try {
    known = await terms();
  } catch {
    return null;
  }
  if (context.aborted) return null;
  const text = word?.text ?? "";
  const [, prefix, local] = /^([\w-]*):(.*)$/u.exec(text) ?? [];
  const scheme = known.values[of];
  const values = scheme ? known.terms.filter((term) => term.scheme === scheme) : [];
  if (!text && !context.explicit) {
    return values.length ? { from, options: values.map((term) => option(term, 50)), validFor: /^[\w:-]*$/ } : null;
  }
  const options: Option[] = [];
  const chosen = new Set(values.map((term) => term.name));
  for (const term of values) options.push(option(term, 50));
  const isClass = /(?:\ba|rdf:type)\s+$/.test(before);
  for (const term of known.terms) {
    if (!chosen.has(term.name)) options.push(option(term, isClass === (term.kind === "class") ? 10 : -10));
  }
  let filter = true;
  if (prefix !== undefined && local && known.prefixes[prefix] && !/^(?:ch|rdfs?|owl|xsd|skos)$/.test(prefix)) {
    // The server has looked: its hits need not begin with what was typed, in this script or another.
    const kind = prefix === "doc" ? "document" : prefix;
    const ours = known.prefixes[prefix]?.endsWith(`/id/${kind}/`) ? kind : "";
    const found = await things(local.replaceAll("-", " "), ours, known.prefixes, context);
    if (found.length) {
      options.splice(0, options.length, ...found);
      filter = false;
    }
  } else if (context.explicit && text.length > 1 && prefix === undefined) {
    const found = await things(text, "", known.prefixes, context);
    const low = text.toLowerCase();
    const fitting = options.filter((one) => `${one.label} ${one.words?.text ?? ""}`.toLowerCase().includes(low));
    options.splice(0, options.length, ...fitting.slice(0, 50), ...found);
    filter = false;
  } else if (prefix === undefined) {
    for (const name of Object.keys(known.prefixes)) options.push({ label: `${name}:`, type: "prefix" });
    for (const label of KEYWORDS) options.push({ label, type: "keyword", boost: 5 });
  }
  return { from, options, filter, ...(filter ? { validFor: /^[\w:-]*$/ } : {}) };
}

// --- the editor ---------------------------------------------------------------------------------

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: tags.variableName, color: "var(--code-variable)" },
  { tag: [tags.string, tags.meta], color: "var(--code-string)" },
  { tag: [tags.name, tags.url], color: "var(--code-name)" },
  { tag: tags.number, color: "var(--code-number)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sheet)", fontSize: ".9375rem", borderRadius: "4px" },
  "&.cm-focused": { outline: "none" }, // the frame around it shows the focus
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", minHeight: "14lh", maxHeight: "70vh" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--sheet)", color: "var(--soft)", borderRight: "1px solid var(--rule)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--paper)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "var(--code-chosen)" },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--code-chosen)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-chosen)", outline: "1px solid var(--soft)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--code-wrong)" },
  ".cm-lintRange-error": {
    backgroundImage: "none", backgroundColor: "var(--code-wrong)",
    textDecoration: "underline wavy var(--denies)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--sheet)", color: "var(--ink)", border: "1px solid var(--soft)", borderRadius: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxWidth: "min(44rem, 92vw)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".15rem .5rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--code-chosen)", color: "var(--ink)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionDetail": { fontFamily: "var(--sans)", fontStyle: "normal", color: "var(--soft)" },
  ".cm-completionIcon": { display: "none" },
  ".cm-tooltip.cm-completionInfo": { fontFamily: "var(--sans)", padding: ".4rem .6rem", maxWidth: "24rem" },
  ".cm-completionInfo p": { margin: ".3rem 0 0" },
  ".cm-panels": { backgroundColor: "var(--paper)", color: "var(--ink)", fontFamily: "var(--sans)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--rule)" },
  ".cm-textfield": { backgroundColor: "var(--sheet)", color: "inherit", border: "1px solid var(--soft)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--sheet)", color: "var(--link)", border: "1px solid var(--soft)" },
  ".cm-panel button[name=close]": { color: "inherit" },
  ".cm-lint-marker-error": {
    content: "normal", width: ".7em", height: ".7em", borderRadius: "50%", backgroundColor: "var(--denies)",
  },
  ".cm-diagnostic-error": { borderLeftColor: "var(--denies)" },
});

/** Return the offset of a line and a column, both from 1, the column in characters. */
function offset(text: Text, line: number, column: number): number {
  if (line > text.lines) return text.length;
  const found = text.line(line);
  return found.from + [...found.text].slice(0, column - 1).join("").length;
}

/**
 * Put what is typed in the place of what is selected, and return whether that was done. Browsers
 * would give the new text the style of the old one, which the policy of the site forbids.
 */
function overwrite(event: InputEvent, view: EditorView): boolean {
  const { main } = view.state.selection, text = event.data;
  if (event.inputType !== "insertText" || !text || main.empty || event.isComposing) return false;
  event.preventDefault();
  const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type" });
  const handled = view.state.facet(EditorView.inputHandler)
    .some((handler) => handler(view, main.from, main.to, text, insert));
  if (!handled) view.dispatch(insert());
  return true;
}

function mount(): EditorView {
  const host = document.createElement("div");
  host.className = "code";
  // In a shadow the editor's styles are a constructed sheet, which the policy of the site allows.
  const shadow = host.attachShadow({ mode: "open" });
  const label = find<HTMLLabelElement>("label", form);
  const hint = find<HTMLElement>("#hint");
  const view = new EditorView({
    parent: shadow,
    root: shadow,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        Prec.highest(keymap.of([
          { key: "Mod-Enter", run: () => { form.requestSubmit(form.querySelector<HTMLButtonElement>("button:not([name])")); return true; } },
          { key: "Ctrl-Space", run: startCompletion },
        ])),
        lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), highlightSpecialChars(),
        history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
        highlightSelectionMatches(), search(), lintGutter(),
        sparql, syntaxHighlighting(colours), look, EditorView.lineWrapping,
        autocompletion({ override: [complete], icons: false, maxRenderedOptions: 50 }),
        keymap.of([
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorState.phrases.of(said.phrases),
        EditorView.contentAttributes.of({
          "aria-label": label.textContent ?? "",
          "aria-description": hint.textContent ?? "",
          autocapitalize: "off", autocorrect: "off", spellcheck: "false", dir: "ltr",
        }),
        Prec.highest(EditorView.domEventHandlers({ beforeinput: overwrite })),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) area.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  area.after(host);
  area.hidden = true;
  hint.hidden = false;
  label.addEventListener("click", () => view.focus());
  const line = Number(form.dataset["line"]), column = Number(form.dataset["column"]);
  if (line) {
    const from = offset(view.state.doc, line, column);
    const length = /^[\p{L}\p{M}\p{N}_:-]+/u.exec(view.state.sliceDoc(from))?.[0].length ?? 1;
    const to = Math.min(from + length, view.state.doc.length);
    const message = find(".failed p").textContent ?? "";
    view.dispatch(
      setDiagnostics(view.state, [{ from: Math.min(from, to), to, severity: "error", message }]),
      { selection: { anchor: from }, scrollIntoView: true },
    );
  }
  return view;
}

const view = mount();

form.addEventListener("submit", (event) => {
  const byAddress = !(event.submitter as HTMLButtonElement | null)?.formAction.endsWith("/sparql");
  const size = new URLSearchParams({ query: area.value.replaceAll("\n", "\r\n") }).toString().length;
  const long = byAddress && size > Number(form.dataset["longest"]);
  find<HTMLElement>(".long", form).hidden = !long;
  if (long) {
    event.preventDefault();
    find<HTMLDetailsElement>(".send", form).open = true;
  }
});

// --- questions to start from --------------------------------------------------------------------

const questions = [...document.querySelectorAll<HTMLLIElement>(".examples > li")];
for (const item of questions) {
  const link = find<HTMLAnchorElement>("a", item);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const query = new URL(link.href).searchParams.get("query") ?? "";
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: query },
      selection: { anchor: 0 },
      scrollIntoView: true,
    });
    const explained = find<HTMLElement>(".explained", form);
    explained.hidden = false;
    explained.replaceChildren(...[...item.childNodes].map((node) =>
      node === link ? document.createTextNode(`${link.textContent} `) : node.cloneNode(true)));
    form.scrollIntoView();
    view.focus();
  });
}
const filter = document.querySelector<HTMLElement>(".filter");
if (filter) {
  filter.hidden = false;
  const box = find<HTMLInputElement>("input", filter), count = find<HTMLElement>("[role=status]", filter);
  box.addEventListener("input", () => {
    const wanted = box.value.normalize("NFC").toLocaleLowerCase().split(/\s+/);
    let left = 0;
    for (const item of questions) {
      const text = (item.textContent ?? "").normalize("NFC").toLocaleLowerCase();
      item.hidden = !wanted.every((word) => text.includes(word));
      left += item.hidden ? 0 : 1;
    }
    count.textContent = left ? "" : count.dataset["none"] ?? "";
  });
}

// --- the map and the timeline -------------------------------------------------------------------

const pictures = document.querySelector<HTMLElement>("#pictures");
if (pictures) pictures.hidden = false;
for (const part of pictures?.querySelectorAll<HTMLDetailsElement>("[data-script]") ?? []) {
  part.addEventListener("toggle", () => {
    if (!part.open || part.querySelector("script")) return;
    const script = document.createElement("script");
    const unfetched = find<HTMLElement>(".unfetched", part);
    unfetched.hidden = true;
    script.addEventListener("error", () => {
      script.remove(); // it is asked for again when the picture is opened again
      unfetched.hidden = false;
    });
    script.src = part.dataset["script"] ?? "";
    part.append(script);
  });
}

// --- the raw answer -----------------------------------------------------------------------------

const raw = document.querySelector<HTMLDetailsElement>(".raw");
if (raw) {
  raw.hidden = false;
  raw.addEventListener("toggle", async () => {
    const code = find<HTMLElement>("code", raw);
    if (!raw.open || code.textContent) return;
    try {
      const answer = await fetch(raw.dataset["href"] ?? "");
      if (!answer.ok) throw new Error(`${answer.status}`);
      const text = await beginning(answer);
      code.textContent = text.slice(0, RAW);
      find<HTMLElement>(".cut", raw).hidden = text.length <= RAW;
    } catch {
      code.textContent = raw.dataset["failed"] ?? "";
    }
  });
}

/** Return the text of an answer, or a little more of it than is shown. */
async function beginning(answer: Response): Promise<string> {
  if (!answer.body) return "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.length <= RAW) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
  await reader.cancel();
  return text;
}
