/** The card of a concept: names and why they are one, codes, counts, its shown edges, and what can be done with it. */

import { h } from "./dom.js";
import { hasText, number, t } from "./i18n.js";
import { relationName, typeIcon, typeName } from "./types.js";

const FIRST_NAMES = 12;

export class ConceptCard {
  /**
   * @param {Object} card the answer of `/v1/concepts/ID`
   * @param {Object} graph the neighborhood that is shown
   * @param {Object} actions `onCenter`, `onExpand`, `onHide`, `onPath`, `onEdge`, `onNode`, each given an id or concept
   */
  constructor({ concept, codes, aliases, others }, graph, actions) {
    Object.assign(this, { concept, graph, actions });
    this.element = h(
      "div.card",
      {},
      h("h2", { tabindex: "-1" }, typeIcon(concept.type), concept.name),
      h("p.quiet", {}, this.facts()),
      this.buttons(),
      this.codes(codes),
      this.names(aliases),
      this.others(others),
      this.edges(),
    );
  }

  facts() {
    const { type, documents, mentions, negated, hypothetical } = this.concept;
    const facts = [typeName(type), t("count.documents", { n: documents }), t("count.mentions", { n: mentions })];
    if (negated) facts.push(t("evidence.negated", { n: negated }));
    if (hypothetical) facts.push(t("evidence.hypothetical", { n: hypothetical }));
    return facts.join(" · ");
  }

  buttons() {
    const { id } = this.concept;
    const isFocus = this.graph?.focus?.id === id;
    const isShown = this.graph?.focus && this.graph.nodes.has(id); // a path is shown as it is
    const button = (text, action, key) =>
      h("button", { type: "button", onclick: action, "aria-keyshortcuts": key }, t(text));
    return h(
      "p.choices",
      {},
      isFocus ? null : button("card.center", () => this.actions.onCenter(id), "C"),
      isShown && !this.graph.expanded.has(id) ? button("card.expand", () => this.actions.onExpand(id), "E") : null,
      isShown && !isFocus ? button("card.hide", () => this.actions.onHide(id), "H") : null,
      button("card.path", () => this.actions.onPath(this.concept)),
    );
  }

  codes(codes) {
    if (!codes.length) return null;
    return section(
      "card.codes",
      codes.map((code) => h("li", {}, typeof code === "string" ? code : Object.values(code).filter(Boolean).join(" "))),
    );
  }

  names(aliases) {
    if (aliases.length < 2) return null;
    const row = ({ surface, mentions, reason, source }) =>
      h(
        "li.row",
        {},
        h("span.what", {}, surface, h("span.quiet", {}, ` ${whyOf(reason, source)}`)),
        h("span.quiet.number", {}, number(mentions)),
      );
    const rows = aliases.map(row);
    return section(
      "card.names",
      rows.slice(0, FIRST_NAMES),
      rows.length > FIRST_NAMES
        ? h(
            "details",
            {},
            h("summary", {}, t("card.moreNames", { n: rows.length - FIRST_NAMES })),
            h("ul", {}, rows.slice(FIRST_NAMES)),
          )
        : null,
    );
  }

  others(others) {
    if (!others.length) return null;
    return section(
      "card.others",
      others.map((other) =>
        h(
          "li",
          {},
          h(
            "button.plain.concept",
            { type: "button", onclick: () => this.actions.onNode(other.id) },
            typeIcon(other.type),
            other.name,
            h("span.quiet", {}, ` ${typeName(other.type)}`),
          ),
        ),
      ),
    );
  }

  edges() {
    const edges = this.graph?.edgesOf(this.concept.id) ?? [];
    if (!edges.length) return null;
    const row = (edge) => {
      const other = edge.head.id === this.concept.id ? edge.tail : edge.head;
      const text = h("span.what", {}, other.name, h("span.quiet", {}, ` ${relationName(edge.relation)}`));
      return h(
        "li",
        {},
        h(
          "button.plain.concept",
          { type: "button", onclick: () => this.actions.onEdge(edge.id) },
          typeIcon(other.type),
          text,
          h("span.quiet.number", {}, t("count.documents", { n: edge.documents })),
        ),
      );
    };
    return section("card.edges", edges.sort((a, b) => b.rank - a.rank).map(row));
  }
}

function section(title, rows, more = null) {
  return h("section", {}, h("h3", {}, t(title)), h("ul", {}, rows), more);
}

/** Say why a name is one of the concept's. */
function whyOf(reason, source) {
  if (!reason) return "";
  const key = `reason.${reason}`;
  const said = hasText(key) ? t(key) : reason;
  return source && source !== "document" ? t("card.why", { reason: said, source }) : said;
}
