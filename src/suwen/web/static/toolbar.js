/** The buttons above the graph: graph or table, zoom, path, export, link. */

import { h } from "./dom.js";

const FORMS = ["svg", "png", "csv", "json"];

export class Toolbar {
  /** @param {Object} actions `onView(name)`, `onZoom(factor)`, `onFit()`, `onPath()`, `onSave(form)`, `onLink()` */
  constructor(actions) {
    this.switches = ["graph", "table"].map((view) =>
      button(`view.${view}`, () => actions.onView(view), { "aria-pressed": "false", "data-view": view }),
    );
    this.zooms = h(
      "span.group",
      {},
      button("view.out", () => actions.onZoom(0.8), { "data-t-label": "view.outLabel" }),
      button("view.in", () => actions.onZoom(1.25), { "data-t-label": "view.inLabel" }),
      button("view.fit", actions.onFit, { "aria-keyshortcuts": "F" }),
    );
    this.menu = h(
      "details.menu",
      {},
      h("summary", { "data-t": "save.title" }),
      h(
        "div.popup",
        {},
        FORMS.map((form) => button(`save.${form}`, () => this.save(form, actions))),
      ),
    );
    this.menu.addEventListener(
      "focusout",
      (event) => !this.menu.contains(event.relatedTarget) && (this.menu.open = false),
    );
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    this.element = h(
      "div.toolbar",
      { role: "group", "data-t-label": "view.tools" },
      h("span.group", { role: "group", "data-t-label": "view.choice" }, this.switches),
      this.zooms,
      h("span.space"),
      button("path.open", actions.onPath),
      this.menu,
      button("link.copy", actions.onLink),
    );
  }

  /** Show which view is chosen. */
  set(view) {
    for (const one of this.switches) one.setAttribute("aria-pressed", String(one.dataset.view === view));
    this.zooms.hidden = view !== "graph";
    for (const form of ["svg", "png"]) this.menu.querySelector(`[data-t="save.${form}"]`).hidden = view !== "graph";
  }

  save(form, actions) {
    this.menu.open = false;
    this.menu.firstElementChild.focus();
    actions.onSave(form);
  }

  onKey(event) {
    if (event.key !== "Escape" || !this.menu.open) return;
    event.stopPropagation();
    this.menu.open = false;
    this.menu.firstElementChild.focus();
  }
}

function button(key, action, more = {}) {
  return h("button", { type: "button", "data-t": key, onclick: () => action(), ...more });
}
