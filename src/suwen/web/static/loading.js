/** Ask the server for what a state shows. */

import { ask } from "./api.js";
import { Neighborhood, PAGE } from "./neighborhood.js";

const EXPANDED = 12; // new concepts when a concept is expanded

/** Ask for the card of a concept and for the neighborhood that a state shows, at first `room` neighbors. */
export async function loadFocus(state, known, room, signal) {
  // What the filters leave can be asked for only when the card has said what there is.
  const card = known?.concept.id === state.focus ? known : await ask(`concepts/${state.focus}`, { signal });
  const graph = new Neighborhood(card.concept);
  graph.addGroups(state.focus, await neighbors(state, card, state.focus, {}, signal), room);
  for (const step of state.steps) await applyStep(step, graph, state, card, signal);
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

/** Do a step (see `state.js`) to a neighborhood; return whether it could be done. */
export async function applyStep([name, concept, role, relation], graph, state, card, signal) {
  if (!graph.nodes.has(concept)) return false;
  if (name === "hide") {
    graph.hide(concept);
  } else if (name === "expand") {
    graph.addGroups(concept, await neighbors(state, card, concept, {}, signal), EXPANDED);
  } else {
    const group = graph.groups.get(`${concept}.${role}.${relation}`);
    if (!group) return false;
    if (graph.needsPage(group)) {
      const [page] = await neighbors(state, card, concept, { cursor: group.next, relation, role }, signal);
      if (page) graph.addPage(group, page);
    }
    graph.showMore(group);
  }
  return true;
}

/** Ask for groups of neighbors that pass the filters. */
async function neighbors({ filters, order }, card, id, page, signal) {
  const { confidence, since, until, assertion, reviewed, withoutRelations, withoutTypes } = filters;
  const relations = allowed(relationTotals(card), withoutRelations);
  const types = allowed(typeTotals(card), withoutTypes);
  if (relations === null || types === null) return [];
  const query = {
    limit: PAGE, order, confidence: confidence || "", since, until, types, ...page,
    relations: page.relation ? "" : relations,
    assertion: assertion === "with" ? "" : assertion,
    reviewed: reviewed === "all" ? "" : reviewed,
  };
  const { groups } = await ask(`concepts/${id}/neighbors`, { query, signal });
  return groups;
}

/** Return the names that are not left out, as a parameter: "" when none is left out, null when all are. */
function allowed(totals, without) {
  const left = totals.map(({ name }) => name).filter((name) => !without.includes(name));
  if (left.length === totals.length) return "";
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
