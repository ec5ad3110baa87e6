/** The graph tab: search, neighborhood or path, filters, table, drawer, link. */

import { ask, wasAborted } from "./api.js";
import { copyText, debounce, h } from "./dom.js";
import { saveEdges, savePicture } from "./download.js";
import { Drawer, skeleton } from "./drawer.js";
import { Filters, isDefault } from "./filters.js";
import { GraphView } from "./graphview.js";
import { t, translate } from "./i18n.js";
import { MOST, Neighborhood, PAGE } from "./neighborhood.js";
import { PathDialog } from "./paths.js";
import { conceptRow, SearchBox } from "./search.js";
import { NO_FILTERS, emptyState, fromHash, toHash } from "./state.js";
import { TableView } from "./table.js";

const FIRST = { wide: 39, tall: 15 };
const EXPANDED = 12;
const SLOW = 300;
const STARTS = 12;

export async function mount(panel, app) {
  const explorer = new Explorer(panel, app);
  await explorer.restore();
  return { find: (text, type) => explorer.search.find(text, type) };
}

class Explorer {
  constructor(panel, app) {
    Object.assign(this, { panel, app, state: emptyState(), graph: null, card: null, controller: new AbortController() });
    const announce = (text) => app.announce(text);
    const actions = {
      onNode: (id) => this.showConcept(id),
      onEdge: (id) => this.showEdge(id),
      onMore: (key) => this.more(key),
      onCenter: (id) => this.open(id),
      onExpand: (id) => this.step(["expand", id]),
      onHide: (id) => this.step(["hide", id]),
      onPath: (concept) => this.paths.open(concept),
      onPin: (id, place) => this.pin(id, place),
      onVerdict: (edge) => this.replaceEdge(edge),
      onClose: (shown) => this.onDrawerClosed(shown),
      evidenceQuery: () => ({ since: this.state.filters.since, until: this.state.filters.until }),
    };
    this.search = new SearchBox({
      label: "search.label", placeholder: "search.placeholder", shortcut: "/ Control+K", announce,
      onChoose: (concept) => {
        app.openTab("explore");
        this.open(concept.id);
      },
    });
    document.getElementById("search").replaceChildren(this.search.element);
    this.view = new GraphView(actions);
    this.table = new TableView(actions);
    this.drawer = new Drawer(app, actions);
    this.paths = new PathDialog(announce, (from, to) => this.openPath([from, to]));
    this.filters = new Filters((filters, order) => this.filter(filters, order));
    this.build();
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("suwen:language", () => this.onLanguage());
    window.addEventListener("popstate", () => this.restore());
  }

  build() {
    const button = (key, action, more = {}) => h("button", { type: "button", "data-t": key, onclick: action, ...more });
    this.switches = ["graph", "table"].map((view) => button(`view.${view}`, () => this.setView(view), { "aria-pressed": "false", "data-view": view }));
    const zooms = h("span.group.zooms", {}, button("view.out", () => this.view.zoom(0.8), { "data-t-label": "view.outLabel" }), button("view.in", () => this.view.zoom(1.25), { "data-t-label": "view.inLabel" }), button("view.fit", () => this.view.fit(), { "aria-keyshortcuts": "F" }));
    const save = (form) => button(`save.${form}`, () => this.save(form));
    const menu = h("details.menu", {}, h("summary", { "data-t": "save.title" }), h("div.popup", {}, ["svg", "png", "csv", "json"].map(save)));
    menu.addEventListener("focusout", (event) => !menu.contains(event.relatedTarget) && (menu.open = false));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      menu.open = false;
      menu.firstElementChild.focus();
    });
    this.zooms = zooms;
    this.toolbar = h("div.toolbar", { role: "toolbar", "data-t-label": "view.tools" }, h("span.group", { role: "group", "data-t-label": "view.choice" }, this.switches), zooms, h("span.space"), button("path.open", () => this.paths.open(this.card?.concept)), menu, button("link.copy", () => this.copyLink()));
    this.stage = h("div.stage");
    this.status = h("p.status");
    this.side = h("details.side", { open: matchMedia("(min-width: 64rem)").matches }, h("summary", { "data-t": "filter.title" }), this.filters.element);
    this.keys = h("p.visually-hidden", { id: "graph-keys", "data-t": "graph.keys" });
    this.panel.replaceChildren(this.side, h("div.center", {}, this.toolbar, this.stage, this.status, this.keys), this.drawer.element, this.paths.element);
    translate(document);
  }

  // Loading ---------------------------------------------------------------------------------------------------------

  /** Show what the hash of the URL says. */
  async restore() {
    this.state = fromHash(location.hash);
    const { focus, path, edge } = this.state;
    this.drawer.close();
    this.view.reset(this.state.pins);
    if (path) await this.load(() => this.loadPath(path));
    else if (focus) await this.load(() => this.loadFocus(focus));
    else await this.showStart();
    if (edge && this.graph) {
      this.state.edge = edge;
      await this.showEdge(edge);
    }
  }

  /** Put a concept into the middle. */
  async open(id) {
    const { view, filters, order } = this.state;
    Object.assign(this.state, emptyState(), { view, filters: { ...filters, withoutRelations: [], withoutTypes: [] }, order, focus: id });
    this.drawer.close();
    this.view.reset();
    this.push();
    await this.load(() => this.loadFocus(id));
    this.focusMain(id);
  }

  async openPath(ends) {
    Object.assign(this.state, emptyState(), { view: this.state.view, path: ends });
    this.drawer.close();
    this.view.reset();
    this.push();
    await this.load(() => this.loadPath(ends));
    this.focusMain(ends[0]);
  }

  /** Load something, give up what was being loaded before, and say what went wrong. */
  async load(loading) {
    this.controller.abort();
    const controller = (this.controller = new AbortController());
    const slow = setTimeout(() => this.stage.replaceChildren(skeleton()), SLOW);
    this.stage.setAttribute("aria-busy", "true");
    try {
      const graph = await loading();
      if (controller.signal.aborted) return;
      this.graph = graph;
      this.draw();
    } catch (error) {
      if (wasAborted(error) || controller.signal.aborted) return;
      this.graph = null;
      this.status.textContent = "";
      this.app.showProblem(this.stage, error, () => this.restore());
    } finally {
      clearTimeout(slow);
      if (this.controller === controller) this.stage.removeAttribute("aria-busy");
    }
  }

  async loadFocus(id) {
    const { signal } = this.controller;
    // What the filters leave can be asked for only when the card has said what there is.
    if (this.card?.concept.id !== id) this.card = await ask(`concepts/${id}`, { signal });
    const graph = new Neighborhood(this.card.concept);
    graph.addGroups(id, await this.neighbors(id, { limit: PAGE }, signal), FIRST[this.view.form()]);
    for (const step of this.state.steps) await this.apply(step, graph, signal);
    return graph;
  }

  async loadPath([from, to]) {
    const { signal } = this.controller;
    const [{ edges }, card] = await Promise.all([ask("paths", { body: { from, to }, signal }), ask(`concepts/${from}`, { signal })]);
    this.card = card;
    const graph = new Neighborhood(null);
    graph.hasPath = edges !== null;
    graph.addPath(from, edges ?? []);
    return graph;
  }

  /** Ask for groups of neighbors that pass the filters. */
  async neighbors(id, query, signal) {
    const { confidence, since, until, assertion, reviewed, withoutRelations, withoutTypes } = this.state.filters;
    const relations = allowed(this.relationTotals(), withoutRelations);
    const types = allowed(this.typeTotals(), withoutTypes);
    if (relations === null || types === null) return [];
    const filters = {
      order: this.state.order, confidence: confidence || "", since, until, relations, types,
      assertion: assertion === "with" ? "" : assertion, reviewed: reviewed === "all" ? "" : reviewed,
    };
    const { groups } = await ask(`concepts/${id}/neighbors`, { query: { ...query, ...filters }, signal });
    return groups.filter(({ relation }) => !withoutRelations.includes(relation));
  }

  async apply([name, concept, role, relation], graph, signal) {
    if (!graph.nodes.has(concept)) return 0;
    if (name === "hide") {
      graph.hide(concept);
    } else if (name === "expand") {
      graph.addGroups(concept, await this.neighbors(concept, { limit: PAGE }, signal), EXPANDED);
    } else {
      const group = graph.groups.get(`${concept}.${role}.${relation}`);
      if (!group) return 0;
      if (graph.needsPage(group)) {
        const [page] = await this.neighbors(concept, { limit: PAGE, cursor: group.next, relation, role }, signal);
        if (page) graph.addPage(group, page);
      }
      graph.showMore(group);
    }
    return 1;
  }

  // Changes ---------------------------------------------------------------------------------------------------------

  /** Do a step that the link remembers: show more of a group, expand or hide a concept. */
  async step(step) {
    const { graph } = this;
    if (!graph || step[1] === graph.focus?.id && step[0] === "hide") return;
    const before = new Set(graph.nodes.keys());
    try {
      if (!(await this.apply(step, graph, this.controller.signal)) || graph !== this.graph) return;
    } catch (error) {
      if (!wasAborted(error)) this.warn(error);
      return;
    }
    this.state.steps.push(step);
    const added = [...graph.nodes.keys()].filter((id) => !before.has(id));
    const left = graph.prune(new Set([...added, ...Object.keys(this.state.pins)]));
    if (step[0] === "hide" && this.drawer.isOpen) this.drawer.close();
    this.draw();
    this.replace();
    const said = step[0] === "hide" ? t("graph.hidden") : t("graph.added", { n: added.length });
    this.say(left ? `${said} ${t("graph.left", { n: left, most: MOST })}` : said);
    if (step[0] !== "hide" && this.panel.contains(document.activeElement) && this.state.view === "graph") this.view.focusPart(added[0] ?? step[1]);
  }

  more(key) {
    const group = this.graph.groups.get(key);
    return this.step(["more", group.concept, group.role, group.relation]);
  }

  pin(id, place) {
    this.state.pins[id] = place;
    this.replace();
  }

  async filter(filters, order) {
    Object.assign(this.state, { filters, order });
    this.replace();
    if (this.state.focus) await this.load(() => this.loadFocus(this.state.focus));
    this.say();
  }

  setView(view) {
    this.state.view = view;
    this.replace();
    this.draw();
    this.say(t(`view.${view}.shown`));
  }

  replaceEdge(edge) {
    if (this.graph?.edges.has(edge.id)) this.graph.edges.set(edge.id, edge);
    if (this.state.view === "table") this.table.draw(this.graph);
    else if (this.graph) this.view.redraw();
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  draw() {
    const { graph, state } = this;
    this.toolbar.hidden = this.side.hidden = !graph;
    if (!graph) return;
    for (const button of this.switches) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    this.zooms.hidden = state.view !== "graph";
    this.side.hidden = Boolean(state.path);
    this.filters.draw(state.filters, state.order, { relations: this.relationTotals(), types: this.typeTotals(), years: this.app.info.graph?.years });
    const empty = this.emptyNote();
    const shown = state.view === "table" ? this.table : this.view;
    if (this.stage.firstChild !== shown.element || this.stage.childNodes.length > 1) this.stage.replaceChildren(shown.element);
    if (empty) this.stage.append(empty);
    if (state.view === "table") this.table.draw(graph);
    else this.view.draw(graph, { isPath: Boolean(state.path), name: this.summary() });
    this.status.textContent = this.summary();
  }

  emptyNote() {
    const { graph, state } = this;
    if (graph.edges.size) return null;
    const reset = () => this.filter({ ...NO_FILTERS }, state.order);
    if (state.path) return h("div.note", {}, h("p", {}, t("path.none")), h("button", { type: "button", onclick: () => this.paths.open(this.card.concept) }, t("path.open")));
    if (isDefault(state.filters)) return h("div.note", {}, h("p", {}, t("graph.alone")));
    return h("div.note", {}, h("p", {}, t("graph.filtered")), h("button", { type: "button", onclick: reset }, t("filter.reset")));
  }

  summary() {
    const { graph, state } = this;
    const name = this.card?.concept.name ?? "";
    if (state.path) return graph.hasPath ? t("path.summary", { n: graph.edges.size, nodes: graph.nodes.size }) : t("path.none");
    const { shown, total } = graph.counts();
    return t("graph.summary", { name, shown, n: total });
  }

  say(text = "") {
    if (this.graph) this.app.announce(text ? `${text} ${this.summary()}` : this.summary());
  }

  warn(error) {
    const note = h("div.note", { role: "alert" });
    this.app.showProblem(note, error, () => note.remove());
    this.stage.append(note);
  }

  relationTotals() {
    const totals = new Map();
    for (const { relation, total } of this.card?.totals ?? []) totals.set(relation, (totals.get(relation) ?? 0) + total);
    return [...totals].map(([name, total]) => ({ name, total })).sort((a, b) => b.total - a.total);
  }

  typeTotals() {
    return (this.card?.types ?? []).map(({ type, total }) => ({ name: type, total }));
  }

  /** Say what the graph holds, and offer the best documented concepts. */
  async showStart() {
    this.graph = this.card = null;
    this.draw();
    this.status.textContent = "";
    const { graph } = this.app.info;
    if (!graph) {
      this.stage.replaceChildren(h("div.message", {}, h("p", {}, t("start.noGraph"))));
      return;
    }
    const list = h("ul.starts");
    const figures = ["documents", "concepts", "edges", "evidence"].map((key) => h("div", {}, h("dt", {}, t(`start.${key}`)), h("dd.number", {}, t("start.figure", { n: graph[key] }))));
    this.stage.replaceChildren(h("div.start", {}, h("h2", {}, t("start.title")), h("p.quiet", {}, t("start.text")), h("dl.figures", {}, figures), h("h3", {}, t("start.offer")), list));
    try {
      const { items } = await ask("search", { body: { query: "", limit: STARTS } });
      list.replaceChildren(...items.map((concept) => h("li", {}, h("button", { type: "button", onclick: () => this.open(concept.id) }, conceptRow(concept)))));
    } catch {
      list.previousElementSibling.remove(); // only an offer
    }
  }

  onLanguage() {
    translate(this.panel);
    if (this.graph) this.draw();
    else if (!this.state.focus && !this.state.path) this.showStart();
    const { shown } = this.drawer;
    if (shown?.kind === "edge") this.drawer.showEdge(shown.id);
    else if (shown?.kind === "concept") this.drawer.showConcept(shown.id, this.graph);
  }

  // The drawer ------------------------------------------------------------------------------------------------------

  async showConcept(id) {
    this.select(id);
    await this.drawer.showConcept(id, this.graph);
  }

  async showEdge(id) {
    this.state.edge = id;
    this.replace();
    this.select(id);
    await this.drawer.showEdge(id);
  }

  onDrawerClosed(shown) {
    this.select("");
    if (this.state.edge) {
      this.state.edge = "";
      this.replace();
    }
    if (shown && this.graph) this.focusMain(shown.id);
  }

  select(id) {
    this.view.select(id);
    this.table.select(id);
  }

  focusMain(id) {
    if (!this.graph) return;
    if (this.state.view === "table") this.table.focusPart(id);
    else this.view.focusPart(id);
  }

  // Keyboard, link, files -------------------------------------------------------------------------------------------

  onKey(event) {
    const { key, target } = event;
    const isSearch = key === "k" && (event.ctrlKey || event.metaKey);
    const isTyping = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) && !["checkbox", "radio", "range"].includes(target.type);
    if (document.querySelector("dialog[open]") || (!isSearch && (isTyping || event.ctrlKey || event.metaKey || event.altKey))) return;
    if (isSearch || key === "/") {
      event.preventDefault();
      this.search.input.focus();
      this.search.input.select();
    } else if (this.panel.hidden || !this.graph) {
      return;
    } else if (key.toLowerCase() === "t") {
      this.setView(this.state.view === "table" ? "graph" : "table");
      this.focusMain(this.view.current);
    } else if (key.toLowerCase() === "f") {
      this.view.fit();
    } else if (key === "[" || key === "]") {
      if (this.drawer.shown?.kind === "edge") this.drawer.evidence.onKey(event);
    } else if (key === "Escape") {
      if (this.drawer.isOpen) this.drawer.close();
      else this.search.input.focus();
    }
  }

  push() {
    history.pushState(null, "", toHash(this.state).hash);
  }

  replace() {
    history.replaceState(null, "", toHash(this.state).hash);
  }

  async copyLink() {
    const { complete } = toHash(this.state);
    const copied = await copyText(location.href);
    this.app.announce(t(!copied ? "page.notCopied" : complete ? "link.copied" : "link.partly"));
    this.status.textContent = t(!copied ? "page.notCopied" : complete ? "link.copied" : "link.partly");
  }

  async save(form) {
    this.toolbar.querySelector("details").open = false;
    const name = `suwen-${this.card.concept.name.replace(/[^\p{L}\p{N}]+/gu, "-")}`;
    try {
      const file = ["svg", "png"].includes(form) ? await savePicture(this.view, name, form) : await saveEdges([...this.graph.edges.keys()], name, form);
      this.app.announce(t("page.saved", { name: file }));
    } catch (error) {
      this.warn(error);
    }
  }
}

/** Return the names that are not left out, as a parameter: "" when none is left out, null when all are. */
function allowed(totals, without) {
  const left = totals.map(({ name }) => name).filter((name) => !without.includes(name));
  if (left.length === totals.length) return "";
  return left.length ? left.join(",") : null;
}
