/** Ask the server for what a state shows. */

import { ask } from "./api.js";
import { Neighborhood, PAGE } from "./neighborhood.js";

const EXPANDED = 12; // new concepts when a concept is expanded

/**
 * Ask for the card of a concept and for the neighborhood that a state shows.
 *
 * @param {Object} state see `state.js`
 * @param {Object} info the figures of the graph, from `/v1/info`
 * @param {number} room how many neighbors to show at first
 */
export async function loadFocus(state, info, room, signal) {
  const asked = { filters: state.filters, order: state.order, info, signal };
  const [card, groups] = await Promise.all([
    ask(`concepts/${state.focus}`, { signal }),
    neighbors(state.focus, {}, asked),
  ]);
  const graph = new Neighborhood(card.concept);
  graph.addGroups(state.focus, groups, room);
  for (const step of state.steps) await applyStep(step, graph, state, info, signal);
  return { card, graph };
}

/** Ask for a shortest path; `graph.edges` is empty when there is none. */
export async function loadPath([from, to], signal) {
  const [{ edges }, card] = await Promise.all([
    ask("paths", { body: { from, to }, signal }),
    ask(`concepts/${from}`, { signal }),
  ]);
  const graph = new Neighborhood(null);
  graph.addPath(from, edges ?? []);
  return { card, graph };
}

/**
 * Do a step (see `state.js`) to a neighborhood.
 *
 * @param {Set<string>} kept concepts that do not leave when there are too many
 * @returns {Object|null} the concepts that were `added` and how many `left`; null when the step could not be done
 */
export async function applyStep(
  [name, concept, role, relation],
  graph,
  { filters, order },
  info,
  signal,
  kept = new Set(),
) {
  if (!graph.nodes.has(concept)) return null;
  const before = new Set(graph.nodes.keys());
  const asked = { filters, order, info, signal };
  if (name === "hide") {
    graph.hide(concept);
  } else if (name === "expand") {
    graph.addGroups(concept, await neighbors(concept, {}, asked), EXPANDED);
  } else {
    const group = graph.groups.get(`${concept}.${role}.${relation}`);
    if (!group) return null;
    if (graph.needsPage(group)) {
      const [page] = await neighbors(concept, { cursor: group.next, relation, role }, asked);
      if (page) graph.addPage(group, page);
    }
    graph.showMore(group);
  }
  const added = [...graph.nodes.keys()].filter((id) => !before.has(id));
  return { added, left: graph.prune(new Set([...added, ...kept])) };
}

/** Ask for groups of neighbors that pass the filters. */
async function neighbors(id, page, { filters, order, info, signal }) {
  const { confidence, since, until, assertion, reviewed } = filters;
  const relations = allowed(info.relations, filters.withoutRelations);
  const types = allowed(info.types, filters.withoutTypes);
  if (relations === null || types === null) return [];
  const query = {
    limit: PAGE,
    order,
    confidence: confidence || "",
    since,
    until,
    types,
    ...page,
    relations: page.relation ? "" : relations,
    assertion: assertion === "with" ? "" : assertion,
    reviewed: reviewed === "all" ? "" : reviewed,
  };
  const { groups } = await ask(`concepts/${id}/neighbors`, { query, signal });
  return groups;
}

/** Return the names of the graph that are not left out, as a parameter: "" when none is left out, null when all are. */
function allowed(counts, without) {
  const left = Object.keys(counts).filter((name) => !without.includes(name));
  if (!without.length) return "";
  return left.length ? left.join(",") : null;
}

/** Return the relation types of a concept with the numbers of edges, the most frequent first. */
export function relationTotals(card) {
  const totals = new Map();
  for (const { relation, total } of card?.totals ?? []) totals.set(relation, (totals.get(relation) ?? 0) + total);
  return [...totals].map(([name, total]) => ({ name, total })).sort((a, b) => b.total - a.total);
}

/** Return the entity types of a concept's neighbors with the numbers of edges. */
export function typeTotals(card) {
  return (card?.types ?? []).map(({ type, total }) => ({ name: type, total }));
}
