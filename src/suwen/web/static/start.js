/** The start page: what the graph holds, and the concepts in most documents. */

import { ask } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { conceptRow } from "./search.js";

const OFFERED = 12;

/**
 * Show the start page in a stage.
 *
 * @param {HTMLElement} stage
 * @param {Object|null} graph its figures, from `/v1/info`
 * @param {function(string)} onOpen given the id of a concept
 */
export async function showStart(stage, graph, onOpen) {
  if (!graph) {
    stage.replaceChildren(h("div.message", {}, h("p", {}, t("start.noGraph"))));
    return;
  }
  const figure = (key) =>
    h("div", {}, h("dt", {}, t(`start.${key}`)), h("dd.number", {}, t("start.figure", { n: graph[key] })));
  const figures = h("dl.figures", {}, ["documents", "concepts", "edges", "evidence"].map(figure));
  const offer = h("div");
  stage.replaceChildren(
    h("div.start", {}, h("h2", {}, t("start.title")), h("p.quiet", {}, t("start.text")), figures, offer),
  );
  const { items } = await ask("search", { body: { query: "", limit: OFFERED } }).catch(() => ({ items: [] })); // only an offer
  if (!items.length) return;
  const row = (concept) =>
    h("li", {}, h("button", { type: "button", onclick: () => onOpen(concept.id) }, conceptRow(concept)));
  offer.replaceChildren(h("h3", {}, t("start.offer")), h("ul.starts", {}, items.map(row)));
}
