/** Draw a neighborhood as an SVG graph that stands still, and let mouse, touch and keyboard move in it. */

import { h, svg } from "./dom.js";
import { t } from "./i18n.js";
import { curve, edgeBundles, edgeLabel, FONT, itemsOf, labelOf, LINE, widthOf } from "./items.js";
import { layout, layoutPath } from "./layout.js";
import { wirePointer } from "./pointer.js";
import { relationName, typeOf, typeShape } from "./types.js";

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
    this.parts = new Map();
    this.sectors = new Map();
    this.camera = { x: 0, y: 0, k: 1 };
    this.selected = "";
    this.current = "";
    this.scene = svg("g");
    this.tip = svg("g.tip", { "aria-hidden": "true" });
    this.canvas = svg("svg.canvas", {}, this.scene);
    this.element = h("div.graph", { role: "application", "aria-describedby": "graph-keys" }, this.canvas);
    wirePointer(this);
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
    return new Map(
      places.map(([, x, y, above], index) => [ids[index], { x: Number(x), y: Number(y), above: above === "a" }]),
    );
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
    const element = svg(classes, {
      role: "button",
      tabindex: "-1",
      "aria-label": labelOf(item),
      transform: `translate(${item.x} ${item.y})`,
    });
    const first = item.box === item.boxes.above ? -radius - LINE * lines.length + 7 : radius + LINE;
    const text = lines.map((line, index) =>
      svg("text.name", { y: first + LINE * index, "text-anchor": "middle", "font-size": FONT }, line),
    );
    element.append(svg("title", {}, labelOf(item)), svg("circle.halo", { r: radius + 4 }));
    if (kind === "more")
      element.append(
        svg("circle.shape", { r: radius }),
        svg("text.code", { "text-anchor": "middle", dy: "0.36em", "font-size": 15 }, "+"),
      );
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
    const element = svg(`g.edge${hypothetical ? ".hypothetical" : ""}`, {
      role: "button",
      tabindex: "-1",
      "aria-label": edgeLabel(edge),
    });
    const width = Math.min(1 + 1.1 * Math.log2(1 + edge.documents), 7);
    element.append(
      svg("path.hit", { d: path }),
      svg("path.line", { d: path, "stroke-width": width, "stroke-opacity": 0.3 + 0.6 * edge.confidence }),
    );
    if (share > 0)
      element.append(
        svg("path.negated", {
          d: path,
          pathLength: 100,
          "stroke-width": width + 2.5,
          "stroke-dasharray": `0 ${50 - 25 * share} ${50 * share} 100`,
        }),
      );
    element.addEventListener("pointerenter", () => this.showTip(edge.id));
    element.addEventListener("pointerleave", () => this.showTip(null));
    this.parts.set(edge.id, {
      id: edge.id,
      kind: "edge",
      element,
      x: middle[0],
      y: middle[1],
      ends: [edge.head.id, edge.tail.id],
      edge,
    });
    return element;
  }

  /** Show the edges of a node as what stands out. */
  emphasize(id) {
    for (const part of this.parts.values())
      part.element.classList.toggle("near", part.kind === "edge" && part.ends.includes(id));
  }

  /** Write beside an edge what it is. */
  showTip(id) {
    const part = id && this.parts.get(id);
    if (!part) return this.tip.replaceChildren();
    const { edge } = part;
    const label = t("graph.edge", {
      relation: relationName(edge.relation),
      n: edge.documents,
      confidence: edge.confidence.toFixed(2),
    });
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
      0: () => this.fit(),
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
    (({ edge: this.actions.onEdge, more: this.actions.onMore })[part.kind] ?? this.actions.onNode)(part.id);
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
    const boxes = [...this.items.values()].map(({ x, y, box }) => [
      x + box.left,
      y + box.top,
      x + box.right,
      y + box.bottom,
    ]);
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
    return (
      (x - left) * k <= width / 2 &&
      (right - x) * k <= width / 2 &&
      (y - top) * k <= height / 2 &&
      (bottom - y) * k <= height / 2
    );
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
}

function placeOf(item) {
  return item && item.kind !== "more" ? { x: item.x, y: item.y, above: item.box === item.boxes.above } : null;
}

function placed(item, place) {
  return place
    ? { ...item, x: place.x, y: place.y, box: place.above ? item.boxes.above : item.boxes.below, fixed: true }
    : item;
}

/** Return a short text that differs for other ids. */
function checksum(ids) {
  const sum = [...ids.join()].reduce((total, character) => (Math.imul(total, 31) + character.charCodeAt(0)) >>> 0, 7);
  return sum.toString(36);
}

function reachable(from, to) {
  if (from.kind === "edge")
    return from.ends.includes(to.id) || (to.kind === "edge" && to.ends.some((end) => from.ends.includes(end)));
  return to.kind !== "edge" || to.ends.includes(from.id);
}
