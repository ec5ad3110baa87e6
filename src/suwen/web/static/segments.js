/**
 * Cut a text at the ends of all mentions, so that nested and crossing mentions are shown as they are.
 *
 * Offsets count code points, as the server's do. No offset counts UTF-16 units.
 */

/** Return the pieces of a mention: its fragments, or its hull. */
export function pieces(entity) {
  return entity.fragments?.length ? entity.fragments : [[entity.start, entity.end]];
}

/**
 * Return the segments of a text, which joined are the text.
 *
 * A segment has `start`, `end` and `text`; `covering`, the indexes of the entities with a piece over it, the longest
 * entity first; and `begins`, the indexes of those whose first piece begins at its start.
 */
export function segments(text, entities) {
  const points = Array.from(text);
  const { cuts, opening, closing } = boundaries(points.length, entities);
  const rank = byLength(entities);
  const active = new Map(); // index of an entity -> number of its pieces over this place
  const found = [];
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const [start, end] = [cuts[at], cuts[at + 1]];
    for (const index of closing.get(start) ?? []) change(active, index, -1);
    for (const index of opening.get(start) ?? []) change(active, index, 1);
    const covering = [...active.keys()].sort((a, b) => rank[a] - rank[b]);
    const begins = covering.filter((index) => pieces(entities[index])[0][0] === start);
    found.push({ start, end, text: points.slice(start, end).join(""), covering, begins });
  }
  return found;
}

function boundaries(length, entities) {
  const [opening, closing] = [new Map(), new Map()];
  entities.forEach((entity, index) => {
    for (const [start, end] of pieces(entity)) {
      append(opening, start, index);
      append(closing, end, index);
    }
  });
  const cuts = [...new Set([0, length, ...opening.keys(), ...closing.keys()])].sort((a, b) => a - b);
  return { cuts, opening, closing };
}

function append(lists, key, value) {
  if (lists.has(key)) lists.get(key).push(value);
  else lists.set(key, [value]);
}

function change(counts, key, by) {
  const count = (counts.get(key) ?? 0) + by;
  if (count) counts.set(key, count);
  else counts.delete(key);
}

function length(entity) {
  return entity.end - entity.start;
}

/** Return the rank of each entity: the longest first, then the first in the text. */
function byLength(entities) {
  const order = entities.map((_, index) => index);
  order.sort((a, b) => length(entities[b]) - length(entities[a]) || entities[a].start - entities[b].start || a - b);
  const rank = [];
  order.forEach((index, place) => {
    rank[index] = place;
  });
  return rank;
}

/**
 * Return the lane of each entity: entities that overlap have different lanes, the shorter one the lower lane.
 *
 * An underline per lane shows where each of them begins and ends.
 */
export function lanes(entities) {
  const lane = entities.map(() => 0);
  for (const cluster of clusters(entities)) {
    const placed = [];
    for (const index of cluster.sort((a, b) => length(entities[a]) - length(entities[b]) || a - b)) {
      const taken = new Set(placed.filter((other) => overlap(entities[index], entities[other])).map((other) => lane[other]));
      while (taken.has(lane[index])) lane[index] += 1;
      placed.push(index);
    }
  }
  return lane;
}

function overlap(one, other) {
  return one.start < other.end && other.start < one.end;
}

/** Return the groups of entities that overlap directly or through others. */
function clusters(entities) {
  const order = entities.map((_, index) => index).sort((a, b) => entities[a].start - entities[b].start);
  const groups = [];
  let reach = -1;
  for (const index of order) {
    if (entities[index].start >= reach) groups.push([]);
    groups.at(-1).push(index);
    reach = Math.max(reach, entities[index].end);
  }
  return groups;
}
