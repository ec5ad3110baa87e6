/** The nodes, stubs and edges of a neighborhood as things to draw: sizes, labels, curves. */

import { isChinese, t } from "./i18n.js";
import { compareTypes, relationName, typeName } from "./types.js";

export const FONT = 12.5;
export const LINE = 15; // height of a line of a name
const RADIUS = 14;
const FOCUS_RADIUS = 20;
const LINE_UNITS = 16; // a Chinese character takes 2 units
const LINES = 2;

/** Return the items of a neighborhood in the order of the layout: by type, the most important first, stubs last. */
export function itemsOf(graph) {
  const nodes = [...graph.nodes.values()].map(({ concept, anchor }) => {
    const kind = concept.id === graph.focus?.id ? "focus" : "node";
    const shownAnchor = anchor && (graph.nodes.has(anchor) ? anchor : (graph.focus?.id ?? null));
    return sized({
      id: concept.id,
      kind,
      type: concept.type,
      anchor: shownAnchor,
      concept,
      text: concept.name,
      radius: kind === "focus" ? FOCUS_RADIUS : RADIUS,
    });
  });
  const stubs = graph.stubs().map(({ group, more, type }) =>
    sized({
      id: group.key,
      kind: "more",
      type,
      anchor: group.concept,
      group,
      more,
      text: t("graph.more", { n: more }),
      radius: 11,
    }),
  );
  const byType = (one, other) => compareTypes(one.type, other.type);
  // A path stays in its own order.
  return [...(graph.focus ? nodes.sort(byType) : nodes), ...stubs.sort(byType)];
}

function sized(item) {
  const lines = wrap(item.text);
  const width = Math.max(2 * item.radius, ...lines.map(widthOf)) + 8;
  const [near, far] = [item.radius + 5, item.radius + LINE * lines.length + 7];
  const sides = { left: -width / 2, right: width / 2 };
  const boxes = { above: { ...sides, top: -far, bottom: near }, below: { ...sides, top: -near, bottom: far } };
  return { ...item, lines, boxes, box: boxes.below };
}

/** Break a name into at most two lines; what does not fit is in the title and in the card. */
function wrap(name) {
  const lines = [""];
  let units = 0;
  for (const character of name.replace(/\s+/g, " ").trim()) {
    const wide = unitsOf(character);
    if (units + wide > LINE_UNITS && units > 0) {
      if (lines.length === LINES) {
        lines[LINES - 1] = `${[...lines[LINES - 1]].slice(0, -1).join("")}…`;
        return lines;
      }
      lines.push("");
      units = 0;
    }
    lines[lines.length - 1] += character;
    units += wide;
  }
  return lines;
}

function unitsOf(character) {
  return character.codePointAt(0) > 0x2e7f ? 2 : 1.15;
}

export function widthOf(line) {
  return ([...line].reduce((sum, character) => sum + unitsOf(character), 0) * FONT) / 2;
}

/** Return the edges with how far each bends, so that several between the same two concepts can be told apart. */
export function edgeBundles(graph) {
  const bundles = new Map();
  for (const edge of graph.edges.values()) {
    const key = [edge.head.id, edge.tail.id].sort().join();
    bundles.set(key, [...(bundles.get(key) ?? []), edge]);
  }
  return [...bundles.values()].flatMap((edges) =>
    edges.map((edge, index) => ({
      edge,
      bend: (index - (edges.length - 1) / 2) * 26 * (edge.head.id < edge.tail.id ? 1 : -1),
    })),
  );
}

/** Return the path between two items and its middle; `bend` is the distance of the curve from the straight line. */
export function curve(from, to, bend) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const at = (item, sign) => [item.x + (sign * dx * item.radius) / length, item.y + (sign * dy * item.radius) / length];
  const [[x1, y1], [x2, y2]] = [at(from, 1), at(to, -1)];
  const middle = [(x1 + x2) / 2 - (dy / length) * bend, (y1 + y2) / 2 + (dx / length) * bend];
  const control = [2 * middle[0] - (x1 + x2) / 2, 2 * middle[1] - (y1 + y2) / 2];
  const round = (value) => value.toFixed(1);
  return { path: `M${round(x1)} ${round(y1)}Q${control.map(round).join(" ")} ${round(x2)} ${round(y2)}`, middle };
}

export function labelOf(item) {
  if (item.kind === "more") {
    return t("graph.moreLabel", { n: item.more, relation: relationName(item.group.relation) });
  }
  const values = { name: item.concept.name, type: typeName(item.type), n: item.concept.documents };
  return t(item.kind === "focus" ? "graph.focusLabel" : "graph.nodeLabel", values);
}

/** Say an edge in words. */
export function edgeLabel(edge) {
  const parts = [
    t("graph.edgeLabel", {
      head: edge.head.name,
      tail: edge.tail.name,
      relation: relationName(edge.relation),
      n: edge.documents,
      sentences: edge.sentences,
    }),
  ];
  if (edge.negated) parts.push(t("graph.negated", { n: edge.negated }));
  if (edge.hypothetical) parts.push(t("graph.hypothetical", { n: edge.hypothetical }));
  return parts.join(isChinese() ? "，" : ", ");
}
