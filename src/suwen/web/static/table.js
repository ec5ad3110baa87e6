/** The edges that are shown, as a sortable table: the same data as the graph. */

import { h } from "./dom.js";
import { number, t } from "./i18n.js";
import { relationName, typeIcon, typeName } from "./types.js";

const COLUMNS = {
  relation: (edge) => relationName(edge.relation),
  head: (edge) => edge.head.name,
  tail: (edge) => edge.tail.name,
  documents: (edge) => edge.documents,
  sentences: (edge) => edge.sentences,
  negated: (edge) => edge.negated,
  hypothetical: (edge) => edge.hypothetical,
  confidence: (edge) => edge.confidence,
  years: (edge) => edge.last_year ?? 0,
};
const TEXTS = ["relation", "head", "tail"];

export class TableView {
  /** @param {Object} actions `onNode(id)`, `onEdge(id)`, `onMore(key)` */
  constructor(actions) {
    this.actions = actions;
    this.sorted = { column: "documents", down: true };
    this.selected = "";
    this.element = h("div.table", { tabindex: "-1" });
  }

  draw(graph) {
    this.graph = graph;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    const rows = this.sort([...graph.edges.values()]).map((edge) => this.row(edge));
    const head = h(
      "thead",
      {},
      h(
        "tr",
        {},
        Object.keys(COLUMNS).map((column) => this.header(column)),
        h("th", {}, h("span.visually-hidden", {}, t("table.evidence"))),
      ),
    );
    this.element.replaceChildren(
      h(
        "div.scroll",
        { tabindex: "0", role: "region", "aria-label": t("table.name") },
        h("table", {}, h("caption.visually-hidden", {}, t("table.name")), head, h("tbody", {}, rows)),
      ),
      h(
        "div.mores",
        {},
        graph.stubs().map((stub) => this.more(stub)),
      ),
    );
    if (focused) this.focusPart(focused);
  }

  sort(edges) {
    const { column, down } = this.sorted;
    const value = COLUMNS[column];
    const compare = TEXTS.includes(column)
      ? (a, b) => value(a).localeCompare(value(b), "zh")
      : (a, b) => value(a) - value(b);
    return edges.sort((a, b) => (down ? -1 : 1) * compare(a, b) || b.rank - a.rank || (a.id < b.id ? -1 : 1));
  }

  header(column) {
    const { column: current, down } = this.sorted;
    const order = column === current ? (down ? "descending" : "ascending") : "none";
    const mark = { none: "", ascending: " ▲", descending: " ▼" }[order];
    const click = () => {
      this.sorted = { column, down: column === current ? !down : !TEXTS.includes(column) };
      this.draw(this.graph);
    };
    const kind = TEXTS.includes(column) ? "th" : "th.number";
    return h(
      kind,
      { scope: "col", "aria-sort": order },
      h(
        "button.plain",
        { type: "button", "data-key": `sort-${column}`, onclick: click },
        t(`table.${column}`),
        h("span", { "aria-hidden": "true" }, mark),
      ),
    );
  }

  row(edge) {
    const { first_year: first, last_year: last } = edge;
    const years = first ? (first === last ? String(first) : `${first}–${last}`) : "";
    const figure = (value) => h("td.number", {}, value ? number(value) : h("span.quiet", {}, "0"));
    const open = h(
      "button",
      {
        type: "button",
        "data-key": edge.id,
        onclick: () => this.actions.onEdge(edge.id),
        "aria-label": t("table.open", { head: edge.head.name, tail: edge.tail.name }),
      },
      t("table.evidence"),
    );
    const cells = [edge.documents, edge.sentences, edge.negated, edge.hypothetical].map(figure);
    return h(
      edge.id === this.selected ? "tr.selected" : "tr",
      {},
      h("td", {}, relationName(edge.relation)),
      this.concept(edge.head, edge),
      this.concept(edge.tail, edge),
      cells,
      h("td.number", {}, edge.confidence.toFixed(2)),
      h("td.number", {}, years),
      h("td", {}, open),
    );
  }

  concept(concept, edge) {
    const key = `${concept.id}-${edge.id}`;
    const button = h(
      "button.plain.concept",
      {
        type: "button",
        "data-key": key,
        onclick: () => this.actions.onNode(concept.id),
        title: typeName(concept.type),
      },
      typeIcon(concept.type),
      concept.name,
    );
    return h("td", {}, button);
  }

  more({ group, more }) {
    const text = t("table.more", { relation: relationName(group.relation), n: more });
    return h("button", { type: "button", "data-key": group.key, onclick: () => this.actions.onMore(group.key) }, text);
  }

  select(id) {
    this.selected = id;
    if (this.graph) this.draw(this.graph);
  }

  focusPart(key) {
    const buttons = [...this.element.querySelectorAll("[data-key]")];
    const found =
      buttons.find((button) => button.dataset.key === key) ??
      buttons.find((button) => button.dataset.key.startsWith(key));
    (found ?? this.element).focus();
  }
}
