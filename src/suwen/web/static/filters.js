/** The filters of the graph tab: relation and entity types with counts, confidence, years, assertion, verdicts, ranking. */

import { debounce, h } from "./dom.js";
import { isChinese, number, t } from "./i18n.js";
import { NO_FILTERS } from "./state.js";
import { compareTypes, relationName, typeIcon, typeName } from "./types.js";

const DELAY = 250;

export class Filters {
  /** @param {function(Object, string)} onChange given the new filters and the ranking */
  constructor(onChange) {
    this.onChange = onChange;
    const send = debounce(() => {
      this.isPending = false;
      this.drawn = this.content();
      this.clear.disabled = isDefault(this.filters);
      this.onChange({ ...this.filters }, this.order);
    }, DELAY);
    this.changed = () => {
      this.isPending = true;
      send();
    };
    this.element = h("form.filters", { "data-t-label": "filter.title", onsubmit: (event) => event.preventDefault() });
  }

  /**
   * Draw the filters.
   *
   * @param {Object} filters see `state.js`
   * @param {string} order
   * @param {Object} counts `relations` and `types` of the concept in the middle: `[{ name, total }]`; the `years` there are
   */
  draw(filters, order, counts) {
    if (this.isPending) return; // the form is newer
    Object.assign(this, { filters: { ...filters }, order, counts });
    // A form that shows this already stays: somebody may be dragging its slider.
    if (this.drawn === this.content()) return;
    this.drawn = this.content();
    const { relations, types, years } = counts;
    this.clear = h(
      "button",
      { type: "button", onclick: () => this.reset(), disabled: isDefault(filters) },
      t("filter.reset"),
    );
    const focused =
      document.activeElement?.name && this.element.contains(document.activeElement) ? document.activeElement : null;
    const sortedTypes = [...types].sort((one, other) => compareTypes(one.name, other.name));
    const parts = [
      this.checkboxes("filter.relations", relations, "withoutRelations", ({ name }) => relationName(name)),
      this.checkboxes("filter.types", sortedTypes, "withoutTypes", ({ name }) => [typeIcon(name), typeName(name)]),
      this.confidence(),
      this.years(years),
      this.choice("filter.assertion", "assertion", ["with", "without", "only"]),
      this.choice("filter.reviewed", "reviewed", ["all", "accepted", "rejected", "unreviewed"]),
      this.ranking(),
      this.clear,
    ];
    this.element.replaceChildren(...parts.filter(Boolean));
    if (focused)
      [...this.element.elements].find(({ name, value }) => name === focused.name && value === focused.value)?.focus();
  }

  /** Return all that the form shows, to compare. */
  content() {
    return JSON.stringify([this.filters, this.order, this.counts, isChinese()]);
  }

  checkboxes(title, rows, key, label) {
    if (!rows.length) return null;
    const box = ({ name }) =>
      h("input", {
        type: "checkbox",
        name: key,
        value: name,
        checked: !this.filters[key].includes(name),
        onchange: () => this.read(key),
      });
    return h(
      "fieldset",
      {},
      h("legend", {}, t(title)),
      rows.map((row) =>
        h("label.check", {}, box(row), h("span.what", {}, label(row)), h("span.quiet.number", {}, number(row.total))),
      ),
    );
  }

  read(key) {
    const boxes = [...this.element.querySelectorAll(`input[name=${key}]`)];
    this.filters[key] = boxes.filter((box) => !box.checked).map((box) => box.value);
    this.changed();
  }

  confidence() {
    const output = h("output.number", {}, this.filters.confidence.toFixed(2));
    const slide = (event) => {
      this.filters.confidence = Number(event.target.value);
      output.textContent = this.filters.confidence.toFixed(2);
      this.changed();
    };
    const slider = h("input", {
      type: "range",
      name: "confidence",
      min: 0,
      max: 1,
      step: 0.05,
      value: this.filters.confidence,
      oninput: slide,
    });
    return h("label.field", {}, h("span.row", {}, t("filter.confidence"), output), slider);
  }

  years(years) {
    if (!years?.[0]) return null;
    const field = (key, label, standard) => {
      const type = (event) => {
        const value = event.target.value;
        if (value && !/^[12]\d{3}$/.test(value)) return;
        this.filters[key] = value ? Number(value) : "";
        this.changed();
      };
      return h("input.year", {
        type: "number",
        name: key,
        min: 1000,
        max: 2999,
        value: this.filters[key],
        placeholder: standard,
        "aria-label": t(label),
        oninput: type,
      });
    };
    return h(
      "fieldset",
      {},
      h("legend", {}, t("filter.years")),
      h("span.row", {}, field("since", "filter.since", years[0]), "–", field("until", "filter.until", years[1])),
    );
  }

  choice(title, key, values) {
    const choose = (event) => {
      this.filters[key] = event.target.value;
      this.changed();
    };
    return select(title, key, values, this.filters[key], choose);
  }

  ranking() {
    const choose = (event) => {
      this.order = event.target.value;
      this.changed();
    };
    return select("filter.order", "order", ["rank", "documents", "confidence"], this.order, choose);
  }

  reset() {
    this.onChange({ ...NO_FILTERS }, this.order);
  }
}

function select(title, key, values, chosen, onchange) {
  const options = values.map((value) => h("option", { value, selected: value === chosen }, t(`${title}.${value}`)));
  return h("label.field", {}, t(title), h("select", { name: key, onchange }, options));
}

/** Tell whether filters leave nothing out. */
export function isDefault(filters) {
  return Object.entries(NO_FILTERS).every(([key, value]) => String(filters[key]) === String(value));
}
