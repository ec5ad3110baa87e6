/** Show a text with its mentions: segments in color, a button with a letter code for each mention, arrows for relations. */

import { arrowLayer } from "./arrows.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { roving } from "./roving.js";
import { lanes, pieces, segments } from "./segments.js";
import { typeName, typeOf } from "./types.js";

const SIGNS = { negated: "−", hypothetical: "?" };

/** Return the text of a mention on one line; "…" stands for what its fragments leave out. */
export function mentionText(points, entity) {
  let said = "";
  let last = entity.start;
  for (const [start, end] of pieces(entity)) {
    if (points.slice(last, start).join("").trim()) said += "…";
    said += points.slice(start, end).join("");
    last = end;
  }
  return said.replace(/\s*\n\s*/g, "");
}

/** Return a confidence with two digits, or null when there is none. */
export function confidence(score) {
  return score === null || score === undefined ? null : score.toFixed(2);
}

/** Return the letter code of an entity on the color of its type, with the sign of its assertion. */
export function code(entity, tag = "span.letters", properties = {}) {
  const { group, shape, code: letters } = typeOf(entity.label);
  const sign = SIGNS[entity.assertion?.polarity] ?? "";
  return h(`${tag}.g-${group}.${shape}`, { "data-letters": letters + sign, ...properties });
}

/** Return what a screen reader says of a mention. */
function spoken(points, entity) {
  const polarity = SIGNS[entity.assertion?.polarity] ? t(`extract.${entity.assertion.polarity}`) : null;
  const score = confidence(entity.score) && t("extract.score", { score: confidence(entity.score) });
  return [mentionText(points, entity), typeName(entity.label), polarity, score].filter(Boolean).join(t("extract.comma"));
}

/**
 * Show a text with its mentions.
 *
 * @param {string} text
 * @param {Object[]} entities
 * @param {Object[]} relations
 * @param {function(number[]): void} onShow called with the indexes of the entities that are pointed at or chosen
 * @returns {{element: HTMLElement, mark: function(number[], Object[]=): void}} `mark` emphasizes entities and draws the
 *   arrows of relations
 */
export function mentionsView(text, entities, relations, onShow) {
  const points = Array.from(text);
  const element = h("div.reading", { role: "group", "aria-label": t("extract.text") });
  const layers = entities.map(() => []); // the elements of each entity, in the order of the text
  const owners = new Map(); // a segment's element -> the entities over it, the shortest first
  draw(element, { text, points, entities, layers, owners });
  const drawArrows = arrowLayer(element);
  roving(element, ".mention");

  const place = new Map(entities.map((entity, index) => [entity.id, index]));
  const first = (id) => layers[place.get(id)][0];
  let active = [];
  const mark = (chosen, drawn = []) => {
    for (const layer of active) layer.classList.remove("active");
    const ends = drawn.flatMap(({ head, tail }) => [place.get(head), place.get(tail)]);
    active = [...chosen, ...ends].flatMap((index) => layers[index]);
    for (const layer of active) layer.classList.add("active");
    drawArrows(drawn.map(({ head, tail }) => [first(head), first(tail)]));
  };
  listen(element, owners, (indexes) => {
    const ids = new Set(indexes.map((index) => entities[index].id));
    mark(indexes, relations.filter(({ head, tail }) => ids.has(head) || ids.has(tail)));
    onShow(indexes);
  });
  return { element, mark };
}

/** Fill the element with the segments; a line of its own color under the text for each entity over it. */
function draw(element, { text, points, entities, layers, owners }) {
  const lane = lanes(entities);
  // Room below each line of the text for the lines of overlapping mentions.
  element.style.setProperty("--lanes", Math.max(0, ...lane) + 1);
  const cues = entities.filter(({ assertion }) => assertion?.cue).map(({ assertion: { cue } }) => ({ start: cue[0], end: cue[1] }));
  for (const segment of segments(text, [...entities, ...cues])) {
    const over = segment.covering.filter((index) => index < entities.length).reverse();
    let content = document.createTextNode(segment.text);
    if (over.length < segment.covering.length) content = h("span.cue", {}, content);
    for (const [depth, index] of over.entries()) {
      content = h(`span.layer${depth ? "" : ".inner"}.g-${typeOf(entities[index].label).group}`, {}, content);
      content.style.setProperty("--lane", lane[index]);
      layers[index].push(content);
    }
    const begins = segment.begins.filter((index) => index < entities.length);
    const buttons = begins.map((index) => {
      const button = code(entities[index], "button.mention", { type: "button", "aria-label": spoken(points, entities[index]) });
      owners.set(button, [index]);
      layers[index].push(button);
      return button;
    });
    if (!over.length) {
      element.append(content);
      continue;
    }
    const whole = h("span.segment", {}, buttons, content);
    owners.set(whole, over);
    element.append(whole);
  }
}

/** Call `show` with the entities under the pointer, or else with those chosen by click or focus. */
function listen(element, owners, show) {
  let chosen = [];
  const under = (target) => owners.get(target.closest(".mention")) ?? owners.get(target.closest(".segment"));
  const choose = (indexes) => {
    chosen = indexes;
    show(chosen);
  };
  element.addEventListener("pointerover", ({ target }) => show(under(target) ?? chosen));
  element.addEventListener("pointerleave", () => show(chosen));
  element.addEventListener("click", ({ target }) => choose(under(target) ?? []));
  element.addEventListener("focusin", ({ target }) => choose(owners.get(target) ?? chosen));
  element.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") choose([]);
  });
}
