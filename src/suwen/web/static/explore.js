/** The graph tab: search, neighborhood or path, filters, table, drawer, link. */

import { wasAborted } from "./api.js";
import { copyText, h } from "./dom.js";
import { saveEdges, savePicture } from "./download.js";
import { Drawer, skeleton } from "./drawer.js";
import { Filters, isDefault } from "./filters.js";
import { GraphView } from "./graphview.js";
import { t, translate } from "./i18n.js";
import { applyStep, loadFocus, loadPath, relationTotals, typeTotals } from "./loading.js";
import { MOST } from "./neighborhood.js";
import { PathDialog } from "./paths.js";
import { SearchBox } from "./search.js";
import { showStart } from "./start.js";
import { emptyState, fromHash, NO_FILTERS, toHash } from "./state.js";
import { TableView } from "./table.js";
import { Toolbar } from "./toolbar.js";

const FIRST = { wide: 39, narrow: 15 }; // neighbors that are shown at first, by the width of the window
const SLOW = 300;
const WIDE = "(min-width: 64rem)";
const NARROW = "(max-width: 40rem)";

export async function mount(panel, app) {
  const explorer = new Explorer(panel, app);
  await explorer.restore();
  return { find: (text, type) => explorer.search.find(text, type) };
}

class Explorer {
  constructor(panel, app) {
    Object.assign(this, {
      panel,
      app,
      state: emptyState(),
      graph: null,
      card: null,
      controller: new AbortController(),
    });
    const announce = (text) => app.announce(text);
    const actions = this.actions();
    this.search = new SearchBox({
      label: "search.label",
      placeholder: "search.placeholder",
      shortcut: "/ Control+K",
      announce,
      onChoose: (concept) => this.choose(concept),
    });
    this.view = new GraphView(actions);
    this.table = new TableView(actions);
    this.drawer = new Drawer(app, actions);
    this.toolbar = new Toolbar(actions);
    this.paths = new PathDialog(announce, (from, to) => this.openPath([from, to]));
    this.filters = new Filters((filters, order) => this.filter(filters, order));
    this.stage = h("div.stage");
    this.status = h("p.status");
    this.side = h(
      "details.side",
      { open: matchMedia(WIDE).matches },
      h("summary", { "data-t": "filter.title" }),
      this.filters.element,
    );
    const keys = h("p.visually-hidden", { id: "graph-keys", "data-t": "graph.keys" });
    const center = h("div.center", {}, this.toolbar.element, this.stage, this.status, keys);
    panel.replaceChildren(this.side, center, this.drawer.element, this.paths.element);
    document.getElementById("search").replaceChildren(this.search.element);
    translate(document);
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("suwen:language", () => this.onLanguage());
    window.addEventListener("popstate", () => this.restore());
  }

  /** Return what the parts of the tab can do to each other. */
  actions() {
    return {
      onNode: (id) => this.showConcept(id),
      onEdge: (id) => this.showEdge(id),
      onMore: (key) => this.more(key),
      onCenter: (id) => this.open(id),
      onExpand: (id) => this.step(["expand", id]),
      onHide: (id) => this.step(["hide", id]),
      onMove: () => this.move(),
      onPath: (concept) => this.paths.open(concept ?? this.card?.concept),
      onVerdict: (edge) => this.replaceEdge(edge),
      onClose: (shown) => this.onDrawerClosed(shown),
      onView: (view) => this.setView(view),
      onZoom: (factor) => this.view.zoom(factor),
      onFit: () => this.view.fit(),
      onSave: (form) => this.save(form),
      onLink: () => this.copyLink(),
      evidenceQuery: () => ({ since: this.state.filters.since, until: this.state.filters.until }),
    };
  }

  // Loading ---------------------------------------------------------------------------------------------------------

  /** Show what the hash of the URL says. */
  async restore() {
    this.drawer.close();
    this.state = fromHash(location.hash);
    const { edge, places } = this.state;
    this.isMoved = places !== "";
    this.view.reset(places);
    await this.load();
    if (edge && this.graph) await this.showEdge(edge);
  }

  choose(concept) {
    this.app.openTab("explore");
    return this.open(concept.id);
  }

  /** Put a concept into the middle. The filters stay, except for the types, which other concepts may not have. */
  open(id) {
    const { view, filters, order } = this.state;
    const kept = { ...filters, withoutRelations: [], withoutTypes: [] };
    return this.go({ ...emptyState(), view, order, filters: kept, focus: id }, id);
  }

  openPath(ends) {
    return this.go({ ...emptyState(), view: this.state.view, path: ends }, ends[0]);
  }

  async go(state, focused) {
    this.drawer.close();
    this.state = state;
    this.isMoved = false;
    this.view.reset();
    history.pushState(null, "", toHash(state).hash);
    await this.load();
    this.focusMain(focused);
  }

  /** Load what the state says, give up what was being loaded before, and say what went wrong. */
  async load() {
    this.controller.abort();
    const { signal } = (this.controller = new AbortController());
    const { focus, path } = this.state;
    if (!this.app.info.graph || (!focus && !path)) return this.showStart();
    const first = FIRST[matchMedia(NARROW).matches ? "narrow" : "wide"];
    const slow = setTimeout(() => this.stage.replaceChildren(skeleton()), SLOW);
    this.stage.setAttribute("aria-busy", "true");
    try {
      const loaded = await (path ? loadPath(path, signal) : loadFocus(this.state, this.app.info.graph, first, signal));
      if (signal.aborted) return;
      Object.assign(this, loaded);
      this.draw();
      this.say();
    } catch (error) {
      if (wasAborted(error) || signal.aborted) return;
      this.graph = null;
      this.draw();
      this.app.showProblem(this.stage, error, error.status === 404 ? undefined : () => this.restore());
    } finally {
      clearTimeout(slow);
      if (!signal.aborted) this.stage.removeAttribute("aria-busy");
    }
  }

  showStart() {
    this.graph = this.card = null;
    this.draw();
    return showStart(this.stage, this.app.info.graph, (id) => this.open(id));
  }

  // Changes ---------------------------------------------------------------------------------------------------------

  /** Do a step that the link remembers: show more of a group, expand or hide a concept. */
  async step(step) {
    const { graph } = this;
    if (!graph.focus) return; // a path is shown as it is
    const [name, concept] = step;
    const wasInGraph = this.view.element.contains(document.activeElement);
    let done = null;
    try {
      done = await applyStep(step, graph, this.state, this.app.info.graph, this.controller.signal, this.view.dragged);
    } catch (error) {
      if (!wasAborted(error)) this.warn(error);
    }
    if (!done || graph !== this.graph) return;
    const { added, left } = done;
    this.state.steps.push(step);
    this.draw();
    this.move();
    const said = name === "hide" ? t("graph.hidden") : t("graph.added", { n: added.length });
    this.say(left ? `${said} ${t("graph.left", { n: left, most: MOST })}` : said);
    if (name === "hide") this.drawer.close();
    if (wasInGraph) this.view.focusPart(added[0] ?? concept);
  }

  more(key) {
    const { concept, role, relation } = this.graph.groups.get(key);
    return this.step(["more", concept, role, relation]);
  }

  async filter(filters, order) {
    Object.assign(this.state, { filters, order });
    this.replace();
    await this.load();
    this.move();
  }

  /** Remember that the nodes are where they are for other reasons than the layout's alone. */
  move() {
    this.isMoved = true;
    this.replace();
  }

  setView(view) {
    this.state.view = view;
    this.replace();
    this.draw();
    this.say(t(`view.${view}.shown`));
  }

  replaceEdge(edge) {
    if (!this.graph?.edges.has(edge.id)) return;
    this.graph.edges.set(edge.id, edge);
    if (this.state.view === "table") this.table.draw(this.graph);
    else this.view.redraw();
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  draw() {
    const { graph, state, card } = this;
    this.toolbar.element.hidden = !graph;
    this.side.hidden = !graph || Boolean(state.path);
    this.status.textContent = graph ? this.summary() : "";
    if (!graph) return;
    this.toolbar.set(state.view);
    this.filters.draw(state.filters, state.order, {
      relations: relationTotals(card),
      types: typeTotals(card),
      years: this.app.info.graph?.years,
    });
    const shown = state.view === "table" ? this.table : this.view;
    const note = graph.edges.size ? [] : [this.emptyNote()];
    // The view stays where it is, or it would lose the keyboard.
    if (this.stage.firstChild !== shown.element) this.stage.replaceChildren(shown.element);
    while (this.stage.childNodes.length > 1) this.stage.lastChild.remove();
    this.stage.append(...note);
    if (shown === this.table) this.table.draw(graph);
    else this.view.draw(graph, { isPath: Boolean(state.path), name: this.summary() });
  }

  /** Say why nothing is shown, and what to do. */
  emptyNote() {
    const { state } = this;
    const note = (text, action, label) =>
      h("div.note", {}, h("p", {}, t(text)), action && h("button", { type: "button", onclick: action }, t(label)));
    if (state.path) return note("path.none", () => this.paths.open(this.card.concept), "path.open");
    if (isDefault(state.filters)) return note("graph.alone");
    return note("graph.filtered", () => this.filter({ ...NO_FILTERS }, state.order), "filter.reset");
  }

  summary() {
    const { graph, state, card } = this;
    const { shown, total } = graph.counts();
    if (!state.path) return t("graph.summary", { name: card.concept.name, shown, n: total });
    return shown ? t("path.summary", { n: shown, nodes: graph.nodes.size }) : t("path.none");
  }

  say(text = "") {
    this.app.announce(text ? `${text} ${this.summary()}` : this.summary());
  }

  /** Say what went wrong over what is shown. A graph that has changed must be loaded again. */
  warn(error) {
    const note = h("div.note");
    const hasChanged = error.status === 409 || error.status === 410;
    this.app.showProblem(note, error, hasChanged ? () => this.restore() : undefined);
    note.append(h("button", { type: "button", onclick: () => note.remove() }, t("page.close")));
    this.stage.append(note);
  }

  onLanguage() {
    if (this.graph) this.draw();
    else if (!this.state.focus && !this.state.path) this.showStart();
    const { shown } = this.drawer;
    if (shown?.kind === "edge") this.drawer.showEdge(shown.id);
    else if (shown?.kind === "concept") this.drawer.showConcept(shown.id, this.graph);
  }

  // The drawer ------------------------------------------------------------------------------------------------------

  showConcept(id) {
    this.select(id);
    this.setEdge("");
    return this.drawer.showConcept(id, this.graph);
  }

  showEdge(id) {
    this.select(id);
    this.setEdge(id);
    return this.drawer.showEdge(id);
  }

  onDrawerClosed(shown) {
    this.select("");
    this.setEdge("");
    if (this.graph) this.focusMain(shown.id);
  }

  setEdge(id) {
    if (this.state.edge === id) return;
    this.state.edge = id;
    this.replace();
  }

  select(id) {
    this.view.select(id);
    this.table.select(id);
  }

  focusMain(id) {
    if (!this.graph) return;
    (this.state.view === "table" ? this.table : this.view).focusPart(id);
  }

  // Keyboard, link, files -------------------------------------------------------------------------------------------

  onKey(event) {
    const { key, target } = event;
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const isSearch = key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    const isTyping = target.matches("input:not([type=checkbox], [type=range]), textarea, select");
    if (document.querySelector("dialog[open]") || (!isSearch && (isTyping || hasModifier))) return;
    if (isSearch || key === "/") {
      event.preventDefault();
      this.search.input.focus();
      this.search.input.select();
    } else if (!this.panel.hidden && this.graph) {
      this.onGraphKey(event);
    }
  }

  onGraphKey(event) {
    const key = event.key.toLowerCase();
    if (key === "t") {
      this.setView(this.state.view === "table" ? "graph" : "table");
      this.focusMain(this.view.current);
    } else if (key === "f") {
      this.view.fit();
    } else if ((key === "[" || key === "]") && this.drawer.shown?.kind === "edge") {
      this.drawer.evidence.onKey(event);
    } else if (key === "escape") {
      if (this.drawer.isOpen) this.drawer.close();
      else this.search.input.focus();
    }
  }

  /** Write the state into the URL, without an entry for the back button. */
  replace() {
    if (this.isMoved && this.view.graph === this.graph) this.state.places = this.view.places();
    history.replaceState(null, "", toHash(this.state).hash);
  }

  async copyLink() {
    const { complete } = toHash(this.state);
    const said = t(!(await copyText(location.href)) ? "page.notCopied" : complete ? "link.copied" : "link.partly");
    this.app.announce(said);
    this.status.textContent = said;
  }

  async save(form) {
    const name = `suwen-${this.card.concept.name.replace(/[^\p{L}\p{N}]+/gu, "-")}`;
    try {
      const isPicture = form === "svg" || form === "png";
      const file = await (isPicture
        ? savePicture(this.view, name, form)
        : saveEdges([...this.graph.edges.keys()], name, form));
      this.app.announce(t("page.saved", { name: file }));
    } catch (error) {
      this.warn(error);
    }
  }
}
