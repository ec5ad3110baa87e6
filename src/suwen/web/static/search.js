/** A search box for concepts: a combobox as the WAI-ARIA Authoring Practices describe it, safe with input methods. */

import { explain, latest, wasAborted } from "./api.js";
import { debounce, h } from "./dom.js";
import { t } from "./i18n.js";
import { typeIcon, typeName } from "./types.js";

const DELAY = 120;
const SLOW = 300;
const COMPOSED = 80; // some browsers send the Enter that ends a composition after its end

let boxes = 0;

export class SearchBox {
  /**
   * @param {Object} options
   * @param {string} options.label key of the name for screen readers
   * @param {string} options.placeholder key of the text in the empty box
   * @param {function(Object)} options.onChoose given the chosen concept
   * @param {function(string)} options.announce
   */
  constructor({ label, placeholder, onChoose, announce, shortcut = null }) {
    this.id = `search-${(boxes += 1)}`;
    Object.assign(this, { onChoose, announce, options: [], active: -1, next: null, type: null });
    this.ask = latest();
    this.list = h("ul.options", { id: `${this.id}-list`, role: "listbox", "data-t-label": label, hidden: true });
    this.note = h("p.note", { hidden: true });
    this.input = h("input", {
      type: "text",
      id: this.id,
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      autocapitalize: "none",
      enterkeyhint: "search",
      maxlength: "200",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
      "aria-keyshortcuts": shortcut,
      "data-t-label": label,
      "data-t-placeholder": placeholder,
    });
    this.element = h("div.combobox", {}, this.input, h("div.popup", {}, this.list, this.note));
    this.search = debounce(() => this.load(), DELAY);
    this.wire();
  }

  wire() {
    let composing = false;
    let composedAt = -Infinity;
    this.input.addEventListener("compositionstart", () => (composing = true));
    this.input.addEventListener("compositionend", (event) => {
      composing = false;
      composedAt = event.timeStamp;
      this.onText();
    });
    this.input.addEventListener("input", () => !composing && this.onText());
    this.input.addEventListener("keydown", (event) => {
      // While an input method composes, Enter, arrows and Escape are its own.
      const isOfMethod = event.isComposing || composing || event.keyCode === 229;
      if (!isOfMethod && !(event.key === "Enter" && event.timeStamp - composedAt < COMPOSED)) this.onKey(event);
    });
    this.input.addEventListener("focus", () => this.options.length && this.open());
    this.element.addEventListener("focusout", (event) => !this.element.contains(event.relatedTarget) && this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    document.addEventListener("suwen:language", () => this.draw());
  }

  /** Search for a text as if it were typed; open the only concept of exactly that name. */
  async find(text, type = null) {
    this.input.value = text;
    this.input.focus();
    this.type = type;
    await this.load();
    const exact = this.options.filter((concept) => [concept.name, concept.matched].includes(text));
    if (exact.length === 1) this.choose(exact[0]);
  }

  /** Put a concept into the box without searching. */
  set(concept) {
    this.ask.cancel();
    this.input.value = concept?.name ?? "";
    this.options = [];
    this.close();
  }

  onText() {
    this.type = null;
    this.search();
  }

  async load() {
    const query = this.input.value.trim();
    this.ask.cancel();
    if (!query) {
      this.options = [];
      this.close();
      return;
    }
    const slow = setTimeout(() => this.say(t("search.slow")), SLOW);
    try {
      const { items, next } = await this.ask("search", {
        body: { query, ...(this.type && { type: this.type }), limit: 20 },
      });
      Object.assign(this, { options: items, next, query, active: -1 });
      this.say(items.length ? "" : t("search.none", { query }));
      this.draw();
      this.open();
      this.announce(
        items.length ? t(next ? "search.many" : "search.count", { n: items.length }) : t("search.none", { query }),
      );
    } catch (error) {
      if (wasAborted(error)) return;
      this.options = [];
      this.say(explain(error));
      this.announce(explain(error));
    } finally {
      clearTimeout(slow);
    }
  }

  async loadMore() {
    try {
      const body = { query: this.query, ...(this.type && { type: this.type }), limit: 20, cursor: this.next };
      const { items, next } = await this.ask("search", { body });
      this.active = this.options.length;
      this.options.push(...items);
      this.next = next;
      this.draw();
      this.announce(t("search.added", { n: items.length }));
    } catch (error) {
      if (!wasAborted(error)) this.say(explain(error));
    }
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
    if (text) this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  draw() {
    const rows = this.options.map((concept, index) =>
      this.option(index, () => this.choose(concept), conceptRow(concept)),
    );
    if (this.next) rows.push(this.option(rows.length, () => this.loadMore(), [h("span.quiet", {}, t("search.more"))]));
    this.list.replaceChildren(...rows);
    this.mark(this.active);
  }

  option(index, action, children) {
    const click = (event) => {
      event.preventDefault();
      action();
    };
    return h("li", { role: "option", id: `${this.id}-${index}`, "aria-selected": "false", onclick: click }, children);
  }

  open() {
    this.note.hidden = this.options.length > 0;
    this.list.hidden = !this.options.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  close() {
    this.list.hidden = this.note.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }

  mark(index) {
    this.active = index;
    for (const [place, row] of [...this.list.children].entries())
      row.setAttribute("aria-selected", String(place === index));
    const row = this.list.children[index];
    if (row) this.input.setAttribute("aria-activedescendant", row.id);
    else this.input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  onKey(event) {
    const rows = this.list.children.length;
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) this.open();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (rows) this.mark(this.active < 0 ? (step > 0 ? 0 : rows - 1) : (this.active + step + rows) % rows);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen && this.active >= 0) this.list.children[this.active].click();
      else this.load();
    } else if (event.key === "Escape" && (isOpen || !this.note.hidden)) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Escape") {
      this.set(null);
    }
  }

  choose(concept) {
    this.set(concept);
    this.onChoose(concept);
  }
}

/** Return the parts of a row for a concept: icon, name, the alias that matched, type, documents. */
export function conceptRow(concept) {
  const isAlias = concept.matched && concept.matched !== concept.name;
  const alias = isAlias ? h("span.quiet", {}, ` ${t("search.matched", { alias: concept.matched })}`) : null;
  return [
    typeIcon(concept.type),
    h("span.what", {}, concept.name, alias),
    h("span.quiet", {}, typeName(concept.type)),
    h("span.quiet.number", {}, t("count.documents", { n: concept.documents })),
  ];
}
