// Suggestions below the boxes in which names are searched: a combobox with a list, as ARIA 1.2 has
// it. All words come from the server. Without this the form is sent as ever.

interface Suggestion {
  href: string;
  label: string;
  lang: string;
  notes: { text: string; lang: string }[];
}

interface Answer {
  suggestions: Suggestion[];
  announcement: string;
}

const PAUSE_MS = 120;

function words(name: string, text: string, lang = ""): HTMLElement {
  const found = document.createElement("span");
  found.className = name;
  found.textContent = text;
  found.dir = "auto";
  if (lang) found.lang = lang;
  return found;
}

function enhance(box: HTMLInputElement, number: number): void {
  const frame = document.createElement("span");
  const list = document.createElement("ul");
  const status = words("hidden", "");
  frame.className = "suggesting";
  list.className = "suggestions";
  list.id = `suggestions-${number}`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset["label"] ?? "");
  status.setAttribute("role", "status");
  const focused = document.activeElement === box;
  box.replaceWith(frame);
  frame.append(box, list, status);
  if (focused) box.focus();
  box.autocomplete = "off";
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);

  let asking: AbortController | undefined;
  let waiting = 0;
  let active = -1;
  let shown: Suggestion[] = [];

  function choose(index: number): void {
    active = index;
    for (const [place, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", String(place === index));
      if (place === index) item.scrollIntoView({ block: "nearest" });
    }
    if (index < 0) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", `${list.id}-${index}`);
  }

  function show(found: Suggestion[]): void {
    shown = found;
    list.replaceChildren(
      ...found.map((one, place) => {
        const item = document.createElement("li");
        const notes = words("notes", "");
        item.id = `${list.id}-${place}`;
        item.setAttribute("role", "option");
        notes.append(...one.notes.map((note) => words("note", note.text, note.lang)));
        item.append(words("label", one.label, one.lang), notes);
        return item;
      }),
    );
    list.hidden = !found.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  }

  function close(): void {
    clearTimeout(waiting);
    asking?.abort();
    status.textContent = "";
    show([]);
  }

  function open(index: number): void {
    const one = shown[index];
    if (one) location.assign(one.href);
  }

  async function ask(): Promise<void> {
    asking?.abort();
    const text = box.value.trim();
    if (!text) return close();
    const mine = (asking = new AbortController());
    const asked = new URLSearchParams({ q: text });
    const kind = box.form?.querySelector<HTMLSelectElement>("select[name=kind]")?.value;
    const lang = new URLSearchParams(location.search).get("lang");
    if (kind) asked.set("kind", kind);
    if (lang) asked.set("lang", lang);
    try {
      const answer = await fetch(`${box.dataset["suggest"]}?${asked}`, { signal: mine.signal });
      if (!answer.ok) return close();
      const { suggestions, announcement } = (await answer.json()) as Answer;
      if (mine.signal.aborted || document.activeElement !== box) return;
      show(suggestions);
      status.textContent = announcement;
    } catch {
      if (!mine.signal.aborted) close();
    }
  }

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void ask(), PAUSE_MS);
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) void ask();
      // One place more than there are suggestions: none of them, which is what was typed.
      else {
        const places = shown.length + 1;
        choose(((active + 1 + (key === "ArrowDown" ? 1 : places - 1)) % places) - 1);
      }
    } else if (key === "Enter" && active >= 0) {
      event.preventDefault();
      open(active);
    } else if (key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  // Before the box loses the focus, and with it the list its content.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const item = (event.target as Element).closest("li");
    if (item) open([...list.children].indexOf(item));
  });
  show([]);
}

for (const [number, box] of document.querySelectorAll<HTMLInputElement>("input[data-suggest]").entries()) {
  enhance(box, number);
}
