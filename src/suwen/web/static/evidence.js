/** The sentences behind an edge, by document: searched, sorted, judged, copied. */

import { ask, explain } from "./api.js";
import { copyText, debounce, h } from "./dom.js";
import { saveEvidence } from "./download.js";
import { number, t } from "./i18n.js";
import { markedText, shifted } from "./marks.js";
import { relationName, typeIcon } from "./types.js";

const PAGE = 50;
const KINDS = ["entity", "boundary", "concept", "relation", "direction", "polarity", "other"];

export class EvidenceList {
  /**
   * @param {string} id of the edge
   * @param {Object} app see `app.js`
   * @param {Object} actions `onNode(id)`, `onDocument(id, place)`, `onVerdict(edge)`, `evidenceQuery()`: the years shown
   */
  constructor(id, app, actions) {
    Object.assign(this, { id, app, actions, items: [], next: null, query: "", order: "newest" });
    this.head = h("div");
    this.list = h("div.evidence");
    this.foot = h("div.foot");
    this.element = h("div", {}, this.head, this.tools(), this.list, this.foot);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  async load(signal) {
    this.signal = signal;
    await this.loadPage();
    this.draw();
  }

  async loadPage() {
    const query = { limit: PAGE, cursor: this.next, ...this.actions.evidenceQuery() };
    const { edge, items, next } = await ask(`edges/${this.id}/evidence`, { query, signal: this.signal });
    Object.assign(this, { edge, next });
    this.items.push(...items);
  }

  /** Load pages until all are there: searching and sorting must see everything. */
  async loadAll() {
    try {
      while (this.next) await this.loadPage();
    } catch (error) {
      this.app.announce(explain(error));
    }
    this.draw();
  }

  draw() {
    this.head.replaceChildren(...this.heading());
    this.drawList();
  }

  heading() {
    const { edge } = this;
    const end = (concept) =>
      h(
        "button.plain.concept",
        { type: "button", onclick: () => this.actions.onNode(concept.id) },
        typeIcon(concept.type),
        concept.name,
      );
    const facts = [
      t("count.documents", { n: edge.documents }),
      t("count.sentences", { n: edge.sentences }),
      t("evidence.confidence", { value: edge.confidence.toFixed(2) }),
    ];
    if (edge.first_year)
      facts.push(edge.first_year === edge.last_year ? String(edge.first_year) : `${edge.first_year}–${edge.last_year}`);
    const flags = ["negated", "hypothetical", "accepted", "rejected"].filter((key) => edge[key]);
    return [
      h(
        "h2",
        { tabindex: "-1" },
        h("span.visually-hidden", {}, t("evidence.title", { head: edge.head.name, tail: edge.tail.name })),
        h("span", { "aria-hidden": "true" }, relationName(edge.relation)),
      ),
      h("p.ends", {}, end(edge.head), h("span", { "aria-hidden": "true" }, "→"), end(edge.tail)),
      h("p.quiet", {}, facts.join(" · ")),
      flags.length
        ? h(
            "p.flags",
            {},
            flags.map((key) => h(`span.flag.${key}`, {}, t(`evidence.${key}`, { n: edge[key] }))),
          )
        : null,
    ].filter(Boolean);
  }

  tools() {
    const search = debounce(() => this.onSearch(), 150);
    this.field = h("input", {
      type: "search",
      "aria-label": t("evidence.search"),
      placeholder: t("evidence.search"),
      oninput: search,
    });
    const sort = (event) => {
      this.order = event.target.value;
      this.loadAll();
    };
    const options = ["newest", "confident"].map((value) => h("option", { value }, t(`evidence.${value}`)));
    const save = h("button", { type: "button", onclick: () => this.save() }, t("evidence.save"));
    return h(
      "div.tools",
      {},
      this.field,
      h("select", { "aria-label": t("evidence.order"), onchange: sort }, options),
      save,
    );
  }

  async save() {
    try {
      this.app.announce(t("page.saved", { name: await saveEvidence(this.id) }));
    } catch (error) {
      this.app.announce(explain(error));
      this.foot.prepend(h("p.problem", {}, explain(error)));
    }
  }

  async onSearch() {
    this.query = this.field.value.trim().toLowerCase();
    if (this.query) await this.loadAll();
    else this.drawList();
    this.app.announce(t("evidence.found", { n: this.found().length }));
  }

  found() {
    const holds = ({ text, document }) =>
      [text, document.title, document.key].some((value) => (value ?? "").toLowerCase().includes(this.query));
    const found = this.query ? this.items.filter(holds) : [...this.items];
    const confidence = (item) => item.confidence ?? 1;
    return this.order === "confident" ? found.sort((a, b) => confidence(b) - confidence(a)) : found;
  }

  drawList() {
    const groups = new Map();
    const found = this.found();
    for (const item of found) groups.set(item.document.id, [...(groups.get(item.document.id) ?? []), item]);
    this.list.replaceChildren(...[...groups.values()].map((items) => this.group(items)));
    const { affirmed, negated, hypothetical, rejected } = this.edge;
    const left = affirmed + negated + hypothetical + rejected - this.items.length;
    this.foot.replaceChildren(
      found.length ? "" : h("p.quiet", {}, t(this.query ? "evidence.nothing" : "evidence.none")),
      this.next
        ? h(
            "button",
            { type: "button", onclick: () => this.onMore() },
            left > 0 ? t("evidence.more", { n: left }) : t("evidence.moreUnknown"),
          )
        : "",
    );
  }

  async onMore() {
    const first = this.items.length;
    try {
      await this.loadPage();
      this.draw();
      this.focusItem(this.items[first]?.id);
    } catch (error) {
      this.foot.prepend(h("p.problem", { role: "alert" }, explain(error)));
    }
  }

  group(items) {
    const { document: source } = items[0];
    const title = h("h3", {}, source.title || source.key, source.year ? h("span.quiet", {}, ` ${source.year}`) : null);
    return h(
      "section",
      {},
      title,
      h(
        "ul",
        {},
        items.map((item) => this.item(item)),
      ),
    );
  }

  item(item) {
    const { start, head, tail, before, after, text } = item;
    const cues = [head, tail].filter(({ cue }) => cue).map(({ cue }) => ({ start: cue[0], end: cue[1], cue: true }));
    const spans = [head, tail, ...cues].map((span) =>
      shifted(span.cue === true ? span : { ...span, label: span.text, cue: false }, start),
    );
    const place = { start: item.start, end: item.end };
    const sentence = h(
      "p",
      {},
      before && h("span.around", {}, before),
      h("span", {}, markedText(text, spans)),
      after && h("span.around", {}, after),
    );
    const facts = [
      item.polarity === "affirmed" ? null : h(`span.flag.${item.polarity}`, {}, t(`polarity.${item.polarity}`)),
      item.confidence === null ? null : h("span.quiet.number", {}, item.confidence.toFixed(2)),
    ];
    const open = h(
      "button.plain",
      { type: "button", onclick: () => this.actions.onDocument(item.document.id, place) },
      t("evidence.document"),
    );
    const copy = h("button.plain", { type: "button", onclick: () => this.copy(item) }, t("evidence.copy"));
    const row = h(
      "div.actions",
      {},
      facts,
      this.verdictButton(item, "accept"),
      this.verdictButton(item, "reject"),
      copy,
      open,
    );
    return h(
      "li",
      { tabindex: "-1", "data-id": item.id },
      sentence,
      row,
      this.errorKind(item),
      h("p.problem", { role: "alert", hidden: true }),
    );
  }

  verdictButton(item, value) {
    const isChosen = item.verdict?.value === value;
    const judge = () => this.judge(item, isChosen ? null : value);
    return h(
      `button.plain.verdict.${value}`,
      { type: "button", "aria-pressed": String(isChosen), "data-verdict": value, onclick: judge },
      t(`verdict.${value}`),
    );
  }

  errorKind(item) {
    if (item.verdict?.value !== "reject") return null;
    const options = ["", ...KINDS].map((kind) =>
      h("option", { value: kind, selected: kind === (item.verdict.kind ?? "") }, t(`verdict.kind.${kind || "none"}`)),
    );
    const choose = (event) => this.judge(item, "reject", event.target.value || null, "select");
    return h("label.field", {}, t("verdict.kind"), h("select", { onchange: choose }, options));
  }

  async judge(item, verdict, kind = null, focused = `[data-verdict=${verdict ?? item.verdict?.value}]`) {
    const row = () => this.list.querySelector(`[data-id="${item.id}"]`);
    try {
      const { edge } = await ask("verdicts", { body: { evidence: item.id, verdict, ...(kind && { kind }) } });
      item.verdict = verdict && { value: verdict, kind };
      if (edge) this.edge = edge;
      this.draw();
      row()?.querySelector(focused)?.focus();
      this.app.announce(t(`verdict.${verdict ?? "none"}.done`));
      this.actions.onVerdict(this.edge);
    } catch (error) {
      const note = row().querySelector(".problem");
      note.textContent = explain(error);
      note.hidden = false;
    }
  }

  async copy({ text, document: source }) {
    const citation = t("evidence.citation", {
      text,
      title: source.title || source.key,
      year: source.year ?? "—",
      key: source.key,
    });
    this.app.announce(t((await copyText(citation)) ? "page.copied" : "page.notCopied"));
  }

  focusItem(id) {
    const row = id && this.list.querySelector(`[data-id="${id}"]`);
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  /** Go to the previous or next piece of evidence. */
  onKey(event) {
    const step = { "[": -1, "]": 1 }[event.key];
    if (!step || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
    event.preventDefault();
    const rows = [...this.list.querySelectorAll("li[data-id]")];
    const current = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step];
    if (next) this.focusItem(next.dataset.id);
    this.app.announce(t("evidence.place", { n: rows.indexOf(next) + 1 || current + 1, all: number(rows.length) }));
  }
}
