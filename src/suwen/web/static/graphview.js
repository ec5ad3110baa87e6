/** Draw a neighborhood as an SVG graph that stands still, and let mouse, touch and keyboard move in it. */

import { h, svg } from "./dom.js";
import { isChinese, t } from "./i18n.js";
import { layout, layoutPath } from "./layout.js";
import { compareTypes, relationName, typeName, typeOf, typeShape } from "./types.js";

const RADIUS = 14;
const FOCUS_RADIUS = 20;
const FONT = 12.5;
const LINE = 15;
const LINE_UNITS = 16; // a Chinese character takes 2 units
const LINES = 2;
const ZOOM = { least: 0.15, most: 2.5, fit: 1.2 };
const PAN = 60;

export class GraphView {
  /**
   * @param {Object} actions `onNode(id)`, `onEdge(id)`, `onMore(key)`, `onCenter(id)`, `onExpand(id)`, `onHide(id)`,
   *   `onMove()`
   */
  constructor(actions) {
    this.actions = actions;
    this.items = new Map();
    this.sectors = new Map();
    this.camera = { x: 0, y: 0, k: 1 };
    this.selected = "";
    this.current = "";
    this.scene = svg("g");
    this.tip = svg("g.tip", { "aria-hidden": "true" });
    this.canvas = svg("svg.canvas", {}, this.scene);
    this.element = h("div.graph", { role: "application", "aria-describedby": "graph-keys" }, this.canvas);
    this.wirePointer();
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("focusin", (event) => this.onFocus(event));
    this.element.addEventListener("focusout", () => this.showTip(null));
    new ResizeObserver(() => this.onResize()).observe(this.element);
  }

  /** Forget where the nodes are; `places` says where the next ones are, if it was written for the same nodes. */
  reset(places = "") {
    this.items.clear();
    this.sectors.clear();
    this.dragged = new Set();
    this.given = places;
    this.current = "";
  }

  /** Write where the nodes of a neighborhood are, for links. */
  places() {
    const ids = [...this.graph.nodes.keys()];
    const place = ({ x, y, box, boxes }) => `${x}.${y}${box === boxes.above ? "a" : ""}`;
    return [checksum(ids), ...ids.map((id) => place(this.items.get(id)))].join("*");
  }

  /** Return the places that were given, by the id of the node. */
  givenPlaces(graph) {
    const [sum, ...written] = this.given.split("*");
    const ids = [...graph.nodes.keys()];
    this.given = "";
    const places = written.map((text) => /^(-?\d{1,5})\.(-?\d{1,5})(a?)$/.exec(text));
    if (sum !== checksum(ids) || places.length !== ids.length || places.includes(null)) return new Map();
    return new Map(places.map(([, x, y, above], index) => [ids[index], { x: Number(x), y: Number(y), above: above === "a" }]));
  }

  /** Draw a neighborhood; concepts that are shown already stay where they are. */
  draw(graph, { isPath = false, name }) {
    this.graph = graph;
    this.element.setAttribute("aria-label", name);
    const before = this.items;
    const given = this.givenPlaces(graph);
    const place = (item) => placed(item, given.get(item.id) ?? placeOf(before.get(item.id)));
    this.items = new Map(itemsOf(graph).map((item) => [item.id, place(item)]));
    const items = [...this.items.values()];
    const form = this.form();
    if (isPath) layoutPath(items, form);
    else layout(items, { seed: graph.focus.id, form, sectors: this.sectors });
    this.redraw();
    if (!before.size || !this.allVisible()) this.fit();
  }

  form() {
    const { width, height } = this.size();
    return width < height ? "tall" : "wide";
  }

  size() {
    return { width: this.element.clientWidth || 800, height: this.element.clientHeight || 500 };
  }

  /** Draw everything again where it is. */
  redraw() {
    const focused = this.element.contains(document.activeElement) ? this.current : "";
    this.parts = new Map();
    const edges = edgeBundles(this.graph).map((edge) => this.drawEdge(edge));
    const nodes = [...this.items.values()].map((item) => this.drawItem(item));
    this.scene.replaceChildren(svg("g.edges", {}, edges), svg("g.nodes", {}, nodes), this.tip);
    this.tip.replaceChildren();
    if (!this.parts.has(this.current)) this.current = this.graph.focus?.id ?? [...this.items.keys()][0] ?? "";
    this.parts.get(this.current)?.element.setAttribute("tabindex", "0");
    this.select(this.selected);
    if (focused) this.focusPart(this.current);
  }

  drawItem(item) {
    const { kind, lines, radius } = item;
    const classes = `g.node.${kind}.g-${typeOf(item.type).group}`;
    const element = svg(classes, { role: "button", tabindex: "-1", "aria-label": labelOf(item), transform: `translate(${item.x} ${item.y})` });
    const first = item.box === item.boxes.above ? -radius - LINE * lines.length + 7 : radius + LINE;
    const text = lines.map((line, index) => svg("text.name", { y: first + LINE * index, "text-anchor": "middle", "font-size": FONT }, line));
    element.append(svg("title", {}, labelOf(item)), svg("circle.halo", { r: radius + 4 }));
    if (kind === "more") element.append(svg("circle.shape", { r: radius }), svg("text.code", { "text-anchor": "middle", dy: "0.36em", "font-size": 15 }, "+"));
    else element.append(...typeShape(item.type, radius));
    element.append(...text);
    element.addEventListener("pointerenter", () => this.emphasize(item.id));
    element.addEventListener("pointerleave", () => this.emphasize(""));
    this.parts.set(item.id, { id: item.id, kind, element, x: item.x, y: item.y });
    return element;
  }

  drawEdge({ edge, bend }) {
    const [from, to] = [this.items.get(edge.head.id), this.items.get(edge.tail.id)];
    const { path, middle } = curve(from, to, bend);
    const hypothetical = !edge.affirmed && !edge.negated && edge.hypothetical > 0;
    const all = edge.affirmed + edge.negated + edge.hypothetical;
    const share = all ? edge.negated / all : 0;
    const element = svg(`g.edge${hypothetical ? ".hypothetical" : ""}`, { role: "button", tabindex: "-1", "aria-label": edgeLabel(edge) });
    const width = Math.min(1 + 1.1 * Math.log2(1 + edge.documents), 7);
    element.append(
      svg("path.hit", { d: path }),
      svg("path.line", { d: path, "stroke-width": width, "stroke-opacity": 0.3 + 0.6 * edge.confidence }),
    );
    if (share > 0) element.append(svg("path.negated", { d: path, pathLength: 100, "stroke-width": width + 2.5, "stroke-dasharray": `0 ${50 - 25 * share} ${50 * share} 100` }));
    element.addEventListener("pointerenter", () => this.showTip(edge.id));
    element.addEventListener("pointerleave", () => this.showTip(null));
    this.parts.set(edge.id, { id: edge.id, kind: "edge", element, x: middle[0], y: middle[1], ends: [edge.head.id, edge.tail.id], edge });
    return element;
  }

  /** Show the edges of a node as what stands out. */
  emphasize(id) {
    for (const part of this.parts.values()) part.element.classList.toggle("near", part.kind === "edge" && part.ends.includes(id));
  }

  /** Write beside an edge what it is. */
  showTip(id) {
    const part = id && this.parts.get(id);
    if (!part) return this.tip.replaceChildren();
    const { edge } = part;
    const label = t("graph.edge", { relation: relationName(edge.relation), n: edge.documents, confidence: edge.confidence.toFixed(2) });
    const k = 1 / this.camera.k;
    const width = widthOf(label) + 16;
    this.tip.setAttribute("transform", `translate(${part.x} ${part.y}) scale(${k})`);
    this.tip.replaceChildren(
      svg("rect", { x: -width / 2, y: -12, width, height: 24, rx: 6 }),
      svg("text", { "text-anchor": "middle", dy: "0.36em", "font-size": FONT }, label),
    );
  }

  /** Mark the node or edge that the drawer is about. */
  select(id) {
    this.selected = id;
    for (const part of this.parts.values()) part.element.classList.toggle("selected", part.id === id);
  }

  /** Give the keyboard to a node or edge, or to the middle if it is not shown. */
  focusPart(id) {
    const part = this.parts.get(id) ?? this.parts.get(this.current);
    if (!part) return;
    this.parts.get(this.current)?.element.setAttribute("tabindex", "-1");
    this.current = part.id;
    part.element.setAttribute("tabindex", "0");
    part.element.focus({ preventScroll: true });
  }

  onFocus() {
    const part = [...this.parts.values()].find(({ element }) => element === document.activeElement);
    if (!part) return;
    this.parts.get(this.current)?.element.setAttribute("tabindex", "-1");
    this.current = part.id;
    part.element.setAttribute("tabindex", "0");
    this.showTip(part.kind === "edge" ? part.id : null);
    this.reveal(part);
  }

  // Keyboard --------------------------------------------------------------------------------------------------------

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const part = this.parts.get(this.current);
    const direction = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const key = event.key.toLowerCase();
    const isNode = part?.kind === "node" || part?.kind === "focus";
    const action = {
      enter: () => this.activate(part),
      " ": () => this.activate(part),
      e: () => (part?.kind === "more" ? this.actions.onMore(part.id) : isNode && this.actions.onExpand(part.id)),
      c: () => isNode && this.actions.onCenter(part.id),
      h: () => part?.kind === "node" && this.actions.onHide(part.id),
      f: () => this.fit(),
      "0": () => this.fit(),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
    }[key];
    if (direction && event.shiftKey) this.pan(...direction);
    else if (direction) this.step(part, direction);
    else if (action) action();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  activate(part) {
    if (!part) return;
    ({ edge: this.actions.onEdge, more: this.actions.onMore }[part.kind] ?? this.actions.onNode)(part.id);
  }

  /** Move to the nearest item in a direction: from a node along its own edges or to another node, from an edge to its ends. */
  step(part, [dx, dy]) {
    if (!part) return;
    let best = null;
    for (const other of this.parts.values()) {
      if (other === part || !reachable(part, other)) continue;
      const [x, y] = [other.x - part.x, other.y - part.y];
      const along = x * dx + y * dy;
      const across = Math.abs(x * dy - y * dx);
      if (along <= 1 || across > along * 1.6) continue;
      const cost = along + 1.5 * across;
      if (!best || cost < best.cost) best = { cost, id: other.id };
    }
    if (best) this.focusPart(best.id);
  }

  // Camera ----------------------------------------------------------------------------------------------------------

  apply() {
    const { width, height } = this.size();
    const { x, y, k } = this.camera;
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.scene.setAttribute("transform", `translate(${width / 2 - x * k} ${height / 2 - y * k}) scale(${k})`);
  }

  bounds() {
    const boxes = [...this.items.values()].map(({ x, y, box }) => [x + box.left, y + box.top, x + box.right, y + box.bottom]);
    const pick = (index, choose) => choose(...boxes.map((box) => box[index]));
    return { left: pick(0, Math.min), top: pick(1, Math.min), right: pick(2, Math.max), bottom: pick(3, Math.max) };
  }

  fit() {
    if (!this.items.size) return;
    const { left, top, right, bottom } = this.bounds();
    const { width, height } = this.size();
    const k = Math.min((width - 24) / (right - left), (height - 24) / (bottom - top), ZOOM.fit);
    this.camera = { x: (left + right) / 2, y: (top + bottom) / 2, k: Math.max(k, ZOOM.least) };
    this.isFitted = true;
    this.apply();
  }

  allVisible() {
    const { left, top, right, bottom } = this.bounds();
    const { width, height } = this.size();
    const { x, y, k } = this.camera;
    return (x - left) * k <= width / 2 && (right - x) * k <= width / 2 && (y - top) * k <= height / 2 && (bottom - y) * k <= height / 2;
  }

  zoom(factor, [px, py] = [0, 0]) {
    const { x, y, k } = this.camera;
    const next = Math.min(Math.max(k * factor, ZOOM.least), ZOOM.most);
    // The point under the pointer, given from the middle of the view, stays under it.
    this.camera = { x: x + px / k - px / next, y: y + py / k - py / next, k: next };
    this.isFitted = false;
    this.apply();
  }

  pan(dx, dy) {
    this.camera.x += (dx * PAN) / this.camera.k;
    this.camera.y += (dy * PAN) / this.camera.k;
    this.isFitted = false;
    this.apply();
  }

  reveal({ x, y }) {
    const { width, height } = this.size();
    const { k } = this.camera;
    const reach = [width / 2 / k - 40 / k, height / 2 / k - 40 / k];
    this.camera.x = Math.min(Math.max(this.camera.x, x - reach[0]), x + reach[0]);
    this.camera.y = Math.min(Math.max(this.camera.y, y - reach[1]), y + reach[1]);
    this.apply();
  }

  onResize() {
    if (!this.items.size) return;
    if (this.isFitted) this.fit();
    else this.apply();
  }

  // Pointer ---------------------------------------------------------------------------------------------------------

  wirePointer() {
    const pointers = new Map();
    let drag = null;
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), this.fromMiddle(event));
    }, { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      drag = { part: this.partAt(event.target), moved: false, start: [event.clientX, event.clientY] };
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const now = [event.clientX, event.clientY];
      if (!drag.moved && Math.hypot(now[0] - drag.start[0], now[1] - drag.start[1]) < 5) return;
      if (!drag.moved) this.canvas.setPointerCapture(event.pointerId);
      drag.moved = true;
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.pinch(last, now, other);
      else this.dragBy(drag.part, now[0] - last[0], now[1] - last[1]);
      pointers.set(event.pointerId, now);
    });
    const end = (event) => {
      if (!pointers.delete(event.pointerId)) return;
      if (event.type === "pointerup" && !drag.moved && drag.part) {
        this.focusPart(drag.part.id);
        this.activate(drag.part);
      } else if (drag.moved && isDraggable(drag.part)) {
        const item = this.items.get(drag.part.id);
        Object.assign(item, { x: Math.round(item.x), y: Math.round(item.y) });
        this.dragged.add(item.id);
        this.redraw();
        this.actions.onMove();
      }
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
  }

  partAt(target) {
    return [...this.parts.values()].find(({ element }) => element.contains(target)) ?? null;
  }

  fromMiddle(event) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return [event.clientX - left - width / 2, event.clientY - top - height / 2];
  }

  pinch(last, now, other) {
    const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
    this.zoom(distance(now) / distance(last), this.fromMiddle({ clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 }));
  }

  dragBy(part, dx, dy) {
    const { k } = this.camera;
    if (!isDraggable(part)) {
      this.camera.x -= dx / k;
      this.camera.y -= dy / k;
      this.isFitted = false;
      this.apply();
      return;
    }
    const item = this.items.get(part.id);
    Object.assign(item, { x: item.x + dx / k, y: item.y + dy / k, fixed: true });
    this.redraw();
  }
}

function placeOf(item) {
  return item && item.kind !== "more" ? { x: item.x, y: item.y, above: item.box === item.boxes.above } : null;
}

function placed(item, place) {
  return place ? { ...item, x: place.x, y: place.y, box: place.above ? item.boxes.above : item.boxes.below, fixed: true } : item;
}

/** Return a short text that differs for other ids. */
function checksum(ids) {
  const sum = [...ids.join()].reduce((total, character) => (Math.imul(total, 31) + character.charCodeAt(0)) >>> 0, 7);
  return sum.toString(36);
}

function isDraggable(part) {
  return part?.kind === "node" || part?.kind === "focus";
}

function reachable(from, to) {
  if (from.kind === "edge") return from.ends.includes(to.id) || (to.kind === "edge" && to.ends.some((end) => from.ends.includes(end)));
  return to.kind !== "edge" || to.ends.includes(from.id);
}

/** Return the items of a neighborhood in the order of the layout: by type, the most important first, stubs last. */
function itemsOf(graph) {
  const nodes = [...graph.nodes.values()].map(({ concept, anchor }) => {
    const kind = concept.id === graph.focus?.id ? "focus" : "node";
    const shownAnchor = anchor && (graph.nodes.has(anchor) ? anchor : graph.focus?.id ?? null);
    return sized({ id: concept.id, kind, type: concept.type, anchor: shownAnchor, concept, text: concept.name, radius: kind === "focus" ? FOCUS_RADIUS : RADIUS });
  });
  const stubs = graph.stubs().map(({ group, more, type }) =>
    sized({ id: group.key, kind: "more", type, anchor: group.concept, group, more, text: t("graph.more", { n: more }), radius: 11 }),
  );
  const byType = (one, other) => compareTypes(one.type, other.type);
  return [...nodes.sort(byType), ...stubs.sort(byType)];
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
export function wrap(name) {
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

function widthOf(line) {
  return ([...line].reduce((sum, character) => sum + unitsOf(character), 0) * FONT) / 2;
}

/** Return the edges with how far each bends, so that several between the same two concepts can be told apart. */
function edgeBundles(graph) {
  const bundles = new Map();
  for (const edge of graph.edges.values()) {
    const key = [edge.head.id, edge.tail.id].sort().join();
    bundles.set(key, [...(bundles.get(key) ?? []), edge]);
  }
  return [...bundles.values()].flatMap((edges) =>
    edges.map((edge, index) => ({ edge, bend: (index - (edges.length - 1) / 2) * 26 * (edge.head.id < edge.tail.id ? 1 : -1) })),
  );
}

/** Return the path between two items and its middle; `bend` is the distance of the curve from the straight line. */
function curve(from, to, bend) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const at = (item, sign) => [item.x + (sign * dx * item.radius) / length, item.y + (sign * dy * item.radius) / length];
  const [[x1, y1], [x2, y2]] = [at(from, 1), at(to, -1)];
  const middle = [(x1 + x2) / 2 - (dy / length) * bend, (y1 + y2) / 2 + (dx / length) * bend];
  const control = [2 * middle[0] - (x1 + x2) / 2, 2 * middle[1] - (y1 + y2) / 2];
  const round = (value) => value.toFixed(1);
  return { path: `M${round(x1)} ${round(y1)}Q${control.map(round).join(" ")} ${round(x2)} ${round(y2)}`, middle };
}

function labelOf(item) {
  if (item.kind === "more") {
    return t("graph.moreLabel", { n: item.more, relation: relationName(item.group.relation) });
  }
  const values = { name: item.concept.name, type: typeName(item.type), n: item.concept.documents };
  return t(item.kind === "focus" ? "graph.focusLabel" : "graph.nodeLabel", values);
}

/** Say an edge in words. */
export function edgeLabel(edge) {
  const parts = [t("graph.edgeLabel", { head: edge.head.name, tail: edge.tail.name, relation: relationName(edge.relation), n: edge.documents, sentences: edge.sentences })];
  if (edge.negated) parts.push(t("graph.negated", { n: edge.negated }));
  if (edge.hypothetical) parts.push(t("graph.hypothetical", { n: edge.hypothetical }));
  return parts.join(isChinese() ? "，" : ", ");
}
