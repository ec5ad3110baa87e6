/** Show what was extracted from a text: mentions, relations, and copies for other programs. */

import { copyText, h } from "./dom.js";
import { number, t } from "./i18n.js";
import { code, confidence, mentionText, mentionsView } from "./mentions.js";
import { roving } from "./roving.js";
import { brat, jsonLine } from "./standoff.js";
import { compareTypes, relationName, typeName } from "./types.js";

/** Return the part of an extraction with at least this confidence; what has none is kept. */
function atLeast(extraction, least) {
  const passes = ({ score }) => score === null || score === undefined || score >= least;
  const entities = extraction.entities.filter(passes);
  const ids = new Set(entities.map(({ id }) => id));
  const relations = extraction.relations.filter((relation) => passes(relation) && ids.has(relation.head) && ids.has(relation.tail));
  return { ...extraction, entities, relations };
}

/**
 * Show an extraction.
 *
 * @param {HTMLElement} root is filled
 * @param {{id: string, text: string, extraction: Object, withRelations: boolean}} result
 * @param {Object} app
 * @returns {{draw: function(): void, summary: function(): string}} `draw` draws it again, as in another language
 */
export function showResult(root, result, app) {
  const view = { ...result, points: Array.from(result.text), least: 0, app };
  const body = h("div.result-body");
  const slider = h("input", { type: "range", id: "extract-least", min: 0, max: 1, step: 0.01, value: 0 });
  const draw = () => {
    root.replaceChildren(tools(view, slider), body);
    drawBody(view, root, body);
  };
  slider.addEventListener("input", () => {
    view.least = slider.valueAsNumber;
    drawBody(view, root, body);
  });
  slider.addEventListener("change", () => app.announce(summary(view)));
  draw();
  return { draw, summary: () => summary(view) };
}

function shown({ extraction, least }) {
  return atLeast(extraction, least);
}

/** Return how many mentions and relations are shown. */
function summary(view) {
  const { entities, relations } = shown(view);
  const said = [t("extract.mentions", { n: entities.length })];
  if (view.withRelations) said.push(t("extract.relations.count", { n: relations.length }));
  return said.join(t("extract.comma"));
}

/** Return the row of tools: the least confidence, and the copies. */
function tools(view, slider) {
  const note = h("span.quiet");
  const copy = (kind, write) => {
    const onclick = async () => {
      const copied = await copyText(write(shown(view)));
      note.textContent = t(copied ? "page.copied" : "page.notCopied");
      view.app.announce(note.textContent);
    };
    return h("button", { type: "button", onclick }, t("extract.copy", { kind }));
  };
  return h("div.result-tools", {},
    h("label", { for: slider.id }, t("extract.least")),
    slider,
    h("output.quiet.number", { for: slider.id }),
    h("span.space"),
    note,
    copy("JSON", (part) => jsonLine(view.id, view.text, part)),
    copy("brat", (part) => brat(view.text, part)),
  );
}

/** Draw what depends on the least confidence. */
function drawBody(view, root, body) {
  const { entities, relations } = shown(view);
  root.querySelector("output").textContent = [confidence(view.least), view.least ? summary(view) : null].filter(Boolean).join(" · ");
  if (!entities.length) {
    const n = view.extraction.entities.length;
    body.replaceChildren(h("p.message", {}, t(n ? "extract.hidden" : "extract.nothing", { n })), h("div.reading", {}, view.text));
    return;
  }
  const card = h("section.card", { "aria-label": t("extract.card") });
  const showCard = (indexes) => card.replaceChildren(...cardOf(view, indexes.map((index) => entities[index])));
  const reading = mentionsView(view.text, entities, relations, showCard);
  showCard([]);
  const list = view.withRelations ? relationList(view, entities, relations, reading.mark) : null;
  body.replaceChildren(legend(entities), h("div.columns", {}, reading.element, h("div.side", {}, card, list)));
}

/** Return the types of the entities with their letter codes and counts. */
function legend(entities) {
  const counts = new Map();
  for (const { label } of entities) counts.set(label, (counts.get(label) ?? 0) + 1);
  const types = [...counts.keys()].sort(compareTypes);
  return h("ul.legend", { "aria-label": t("extract.legend") }, types.map((label) =>
    h("li", {}, code({ label }), typeName(label), h("span.quiet.number", {}, number(counts.get(label)))),
  ));
}

/** Return what the card says of the mentions that are pointed at, the shortest first. */
function cardOf(view, entities) {
  if (!entities.length) return [h("p.quiet", {}, t("extract.point"))];
  return entities.map((entity) => {
    const said = mentionText(view.points, entity);
    const find = h("button", { type: "button", onclick: () => view.app.find(said, entity.label) }, t("extract.find"));
    return h("div.about", {},
      h("p", {}, code(entity), h("b", {}, said)),
      h("dl", {},
        item("extract.type", typeName(entity.label)),
        item("extract.confidence", confidence(entity.score)),
        item("extract.assertion", assertion(view, entity)),
        item("extract.code", entity.code ?? null),
        item("extract.place", t("extract.span", { start: entity.start, end: entity.end })),
      ),
      view.app.info.graph ? find : null,
    );
  });
}

function item(key, value) {
  return value === null ? null : h("div", {}, h("dt", {}, t(key)), h("dd", {}, value));
}

function assertion({ points }, { assertion: found }) {
  if (!found) return null;
  const polarity = t(`extract.${found.polarity}`);
  return found.cue ? t("extract.cue", { polarity, cue: points.slice(...found.cue).join("") }) : polarity;
}

/** Return the relations as buttons; pointing at one draws its arrow over the text. */
function relationList(view, entities, relations, mark) {
  const byId = new Map(entities.map((entity) => [entity.id, entity]));
  const end = (id) => h("span.end", {}, code(byId.get(id)), mentionText(view.points, byId.get(id)));
  const place = ({ head }) => byId.get(head).start;
  const rows = relations.toSorted((a, b) => place(a) - place(b)).map((relation) => {
    const draw = () => mark([], [relation]);
    const clear = () => mark([]);
    const events = { onpointerenter: draw, onpointerleave: clear, onfocus: draw, onblur: clear };
    return h("li", {}, h("button.relation.plain", { type: "button", ...events },
      h("span.ends", {}, end(relation.head), "→", end(relation.tail)),
      h("span.quiet.number", {}, confidence(relation.score)),
      h("span.quiet.kind", {}, relationName(relation.type)),
    ));
  });
  const list = h("ul", {}, rows);
  roving(list, ".relation");
  return h("section.relations", {}, h("h3", {}, t("extract.relations")), rows.length ? list : h("p.quiet", {}, t("extract.relations.none")));
}
