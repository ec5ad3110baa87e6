/** What the graph tab shows, and the same as the hash of the URL: a link restores it, and no log ever sees it. */

const LONGEST = 2000;
const ID = /^[0-9a-f]{16}$/;
const EDGE = /^[0-9a-f]{48}$/;
const ASSERTIONS = ["with", "without", "only"];
const REVIEWS = ["all", "accepted", "rejected", "unreviewed"];
const ORDERS = ["rank", "documents", "confidence"];

/** The filters, each at the value that filters nothing. */
export const NO_FILTERS = Object.freeze({
  withoutRelations: [],
  withoutTypes: [],
  confidence: 0,
  since: "",
  until: "",
  assertion: "with",
  reviewed: "all",
});

/**
 * Return the state of an empty page.
 *
 * - `focus`: the concept in the middle; `path`: the two ends of a path shown instead
 * - `view`: "graph" or "table"
 * - `order`: how neighbors are ranked
 * - `steps`: what the user did to the neighborhood, in order: `["more", concept, role, relation]`, `["expand", concept]`,
 *   `["hide", concept]`
 * - `edge`: the edge whose evidence is open
 * - `places`: where the nodes are, as `GraphView.places` writes it; empty when the layout alone says it
 */
export function emptyState() {
  return {
    focus: "",
    path: null,
    view: "graph",
    filters: { ...NO_FILTERS },
    order: "rank",
    steps: [],
    edge: "",
    places: "",
  };
}

/** Return a state as a hash of at most `LONGEST` characters, and whether all of it found room. */
export function toHash(state) {
  const { filters } = state;
  const values = new URLSearchParams();
  const set = (key, value, standard) => value !== standard && values.set(key, value);
  if (state.path) values.set("path", state.path.join("."));
  else set("c", state.focus, "");
  set("view", state.view, "graph");
  for (const name of filters.withoutRelations) values.append("no", name);
  for (const name of filters.withoutTypes) values.append("not", name);
  set("min", String(filters.confidence), "0");
  set("y", `${filters.since}-${filters.until}`, "-");
  set("neg", filters.assertion, "with");
  set("rev", filters.reviewed, "all");
  set("by", state.order, "rank");
  set("e", state.edge, "");
  const steps = state.steps.map((step) => step.join("."));
  const write = (count, places) => {
    values.delete("s");
    for (const step of steps.slice(0, count)) values.append("s", step);
    set("at", places, "");
    return `#${values}`;
  };
  const whole = write(steps.length, state.places);
  if (whole.length <= LONGEST) return { hash: whole, complete: true };
  values.delete("at");
  for (let count = steps.length; ; count -= 1) {
    const hash = write(count, "");
    if (hash.length <= LONGEST || count === 0) return { hash, complete: false };
  }
}

/** Read a state from a hash; whatever is not understood is left out, since links are edited and cut. */
export function fromHash(hash) {
  const values = new URLSearchParams(hash.slice(1));
  const one = (key, allowed) => (allowed.includes(values.get(key)) ? values.get(key) : allowed[0]);
  const id = (text) => (ID.test(text ?? "") ? text : "");
  const ends = (values.get("path") ?? "").split(".").filter(id);
  const [since, until] = (values.get("y") ?? "-").split("-").map((year) => (/^\d{4}$/.test(year) ? Number(year) : ""));
  const confidence = Number(values.get("min"));
  return {
    focus: id(values.get("c")),
    path: ends.length === 2 ? ends : null,
    view: one("view", ["graph", "table"]),
    filters: {
      withoutRelations: values.getAll("no"),
      withoutTypes: values.getAll("not"),
      confidence: confidence > 0 && confidence <= 1 ? confidence : 0,
      since: since ?? "",
      until: until ?? "",
      assertion: one("neg", ASSERTIONS),
      reviewed: one("rev", REVIEWS),
    },
    order: one("by", ORDERS),
    steps: values.getAll("s").map(stepOf).filter(Boolean),
    edge: EDGE.test(values.get("e")) ? values.get("e") : "",
    places: values.get("at") ?? "",
  };
}

function stepOf(text) {
  const [name, concept, role, ...relation] = text.split(".");
  if (!ID.test(concept ?? "")) return null;
  if (name === "expand" || name === "hide") return [name, concept];
  const complete = name === "more" && ["head", "tail"].includes(role) && relation.length;
  return complete ? [name, concept, role, relation.join(".")] : null;
}
