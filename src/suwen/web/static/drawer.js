/** The panel beside the graph: the card of a concept, the sentences of an edge, or a document. */

import { ask, explain, wasAborted } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { ConceptCard } from "./card.js";
import { EvidenceList } from "./evidence.js";
import { markedText } from "./marks.js";

const SLOW = 300;

export class Drawer {
  /**
   * @param {Object} app see `app.js`
   * @param {Object} actions `onClose()`, and what `ConceptCard` and `EvidenceList` need
   */
  constructor(app, actions) {
    Object.assign(this, { app, actions, controller: new AbortController(), shown: null });
    this.body = h("div.body");
    const close = h(
      "button.plain.close",
      { type: "button", "data-t-label": "page.close", "data-t-title": "page.close", onclick: () => this.close() },
      "✕",
    );
    this.back = h("button.plain", {
      type: "button",
      onclick: () => this.goBack(),
      hidden: true,
      "data-t": "drawer.back",
    });
    this.element = h(
      "aside.drawer",
      { tabindex: "-1", hidden: true, "data-t-label": "drawer.name" },
      h("div.bar", {}, this.back, close),
      this.body,
    );
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  get isOpen() {
    return !this.element.hidden;
  }

  showConcept(id, graph) {
    return this.show({ kind: "concept", id }, async (signal) => {
      const card = await ask(`concepts/${id}`, { signal });
      return new ConceptCard(card, graph, this.actions).element;
    });
  }

  showEdge(id) {
    return this.show({ kind: "edge", id }, async (signal) => {
      this.evidence = new EvidenceList(id, this.app, {
        ...this.actions,
        onDocument: (document, place) => this.showDocument(document, place),
      });
      await this.evidence.load(signal);
      return this.evidence.element;
    });
  }

  /** Show a document, scrolled to a place. */
  showDocument(id, place) {
    const before = {
      shown: this.shown,
      content: [...this.body.childNodes],
      focused: document.activeElement,
      top: this.element.scrollTop,
    };
    return this.show({ kind: "document", id, before }, async (signal) =>
      documentView(await ask(`documents/${id}`, { signal }), place),
    );
  }

  async show(shown, make) {
    this.controller.abort();
    this.controller = new AbortController();
    const { signal } = this.controller;
    this.shown = shown;
    this.element.hidden = false;
    this.back.hidden = shown.kind !== "document";
    const slow = setTimeout(() => this.body.replaceChildren(skeleton()), SLOW);
    try {
      const content = await make(signal);
      if (signal.aborted) return;
      this.body.replaceChildren(content);
      this.element.scrollTop = 0;
      this.body.querySelector(".here")?.scrollIntoView({ block: "center" });
      this.body.querySelector("h2")?.focus({ preventScroll: true });
    } catch (error) {
      if (!wasAborted(error) && !signal.aborted) this.app.showProblem(this.body, error, () => this.show(shown, make));
    } finally {
      clearTimeout(slow);
    }
  }

  goBack() {
    const { before } = this.shown;
    this.shown = before.shown;
    this.back.hidden = true;
    this.body.replaceChildren(...before.content);
    this.element.scrollTop = before.top;
    before.focused?.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.controller.abort();
    this.element.hidden = true;
    this.body.replaceChildren();
    const { shown } = this;
    this.shown = null;
    this.actions.onClose(shown?.kind === "document" ? shown.before.shown : shown);
  }

  onKey(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.shown?.kind === "document") this.goBack();
      else this.close();
    }
  }
}

function documentView({ key, title, year, text, mentions }, place) {
  const heading = h("h2", { tabindex: "-1" }, title || key);
  const facts = [year, title ? key : null].filter(Boolean).join(" · ");
  const spans = mentions.map((mention) => ({ ...mention, label: mention.name }));
  if (place) spans.push({ ...place, here: true });
  return h("div", {}, heading, h("p.quiet", {}, facts), h("div.document", {}, markedText(text, spans)));
}

/** Return grey bars in the place of what is being loaded. */
export function skeleton() {
  const bars = Array.from({ length: 5 }, () => h("div.skeleton"));
  return h("div.bars", { "aria-label": t("page.loading"), role: "img" }, bars);
}
