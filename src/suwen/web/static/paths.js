/** A dialog that asks for two concepts, to show a shortest path between them. */

import { h } from "./dom.js";
import { t, translate } from "./i18n.js";
import { SearchBox } from "./search.js";

export class PathDialog {
  /**
   * @param {function(string)} announce
   * @param {function(string, string)} onAsk given the ids of both concepts
   */
  constructor(announce, onAsk) {
    this.onAsk = onAsk;
    this.ends = [null, null];
    this.boxes = ["path.from", "path.to"].map((label, index) => this.box(label, index, announce));
    this.note = h("p.problem", { role: "alert", hidden: true });
    const cancel = h("button", { type: "button", onclick: () => this.element.close(), "data-t": "page.cancel" });
    const find = h("button.primary", { type: "button", onclick: () => this.ask(), "data-t": "path.find" });
    const labels = ["path.from", "path.to"].map((label, index) =>
      h("label", { for: this.boxes[index].id, "data-t": label }),
    );
    this.element = h(
      "dialog.paths",
      { "aria-labelledby": "path-title" },
      h("h2", { id: "path-title", "data-t": "path.title" }),
      labels.map((label, index) => [label, this.boxes[index].element]),
      this.note,
      h("div.buttons", {}, cancel, find),
    );
    this.element.addEventListener("close", () => document.activeElement === document.body && this.opener?.focus());
  }

  box(label, index, announce) {
    const box = new SearchBox({
      label,
      placeholder: "search.short",
      announce,
      onChoose: (concept) => {
        this.ends[index] = concept;
        this.note.hidden = true;
      },
    });
    box.input.addEventListener("input", () => (this.ends[index] = null));
    return box;
  }

  /** Open the dialog; `from` is the concept to begin with. */
  open(from) {
    this.opener = document.activeElement;
    this.ends = [from ?? null, null];
    this.boxes.forEach((box, index) => box.set(this.ends[index]));
    this.note.hidden = true;
    translate(this.element);
    this.element.showModal();
    this.boxes[from ? 1 : 0].input.focus();
  }

  ask() {
    const [from, to] = this.ends;
    const fault = !from || !to ? "path.incomplete" : from.id === to.id ? "path.same" : null;
    this.note.hidden = !fault;
    this.note.textContent = fault ? t(fault) : "";
    if (fault) return;
    this.element.close();
    this.onAsk(from.id, to.id);
  }
}
