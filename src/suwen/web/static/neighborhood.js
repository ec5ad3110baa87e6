/** The part of the graph that is shown: concepts, edges, and how many more each group of edges has. */

export const PAGE = 8;
export const MOST = 150;

export class Neighborhood {
  /** @param {Object|null} focus the concept in the middle; null for a path */
  constructor(focus) {
    this.focus = focus;
    this.nodes = new Map(); // id -> { concept, anchor: the concept it came with }
    this.edges = new Map();
    this.groups = new Map(); // key -> { key, concept, relation, role, total, next, buffer, gone, hidden }
    this.expanded = new Set();
    if (focus) {
      this.nodes.set(focus.id, { concept: focus, anchor: null });
      this.expanded.add(focus.id);
    }
  }

  /**
   * Add the neighbors of a concept, in turn from each group until `room` new concepts are in.
   *
   * What found no room waits in the group, and comes first when more are asked for.
   */
  addGroups(concept, groups, room) {
    this.expanded.add(concept);
    const added = groups.map(({ relation, role, total, edges, next }) => {
      const group = {
        key: `${concept}.${role}.${relation}`,
        concept,
        relation,
        role,
        total,
        next,
        buffer: [...edges],
        gone: [],
        hidden: 0,
      };
      this.groups.set(group.key, group);
      return group;
    });
    let left = room;
    while (left > 0 && added.some((group) => group.buffer.length)) {
      for (const group of added) {
        if (left > 0 && group.buffer.length) left -= this.admit(group.buffer.shift(), concept);
      }
    }
    for (const group of added) group.buffer = group.buffer.filter((edge) => !this.joinShown(edge));
  }

  /** Tell whether the next page of a group must be asked for. */
  needsPage(group) {
    return group.buffer.length < PAGE && group.next !== null;
  }

  addPage(group, { edges, next, total }) {
    group.buffer.push(...edges.filter((edge) => !this.edges.has(edge.id)));
    Object.assign(group, { next, total });
  }

  /** Show the next page of a group. What had to leave comes again when there is nothing else. */
  showMore(group) {
    if (!group.buffer.length) group.buffer.push(...group.gone.splice(0));
    for (const edge of group.buffer.splice(0, PAGE)) this.admit(edge, group.concept);
  }

  /** Add an edge and the concept at its other end; return 1 if the concept is new. */
  admit(edge, anchor) {
    this.edges.set(edge.id, edge);
    const other = edge.head.id === anchor ? edge.tail : edge.head;
    if (this.nodes.has(other.id)) return 0;
    this.nodes.set(other.id, { concept: other, anchor });
    return 1;
  }

  joinShown(edge) {
    const shown = this.nodes.has(edge.head.id) && this.nodes.has(edge.tail.id);
    if (shown) this.edges.set(edge.id, edge);
    return shown;
  }

  /** Show the edges of a path from its first to its last concept. */
  addPath(first, edges) {
    let end = first;
    for (const edge of edges) {
      const [near, far] = edge.head.id === end ? [edge.head, edge.tail] : [edge.tail, edge.head];
      if (!this.nodes.has(near.id)) this.nodes.set(near.id, { concept: near, anchor: null });
      this.nodes.set(far.id, { concept: far, anchor: near.id });
      this.edges.set(edge.id, edge);
      end = far.id;
    }
  }

  /** Leave out a concept until the neighborhood is loaded again. */
  hide(id) {
    for (const edge of this.edgesOf(id)) {
      for (const group of this.groupsOf(edge)) group.hidden += 1;
    }
    this.drop(id);
  }

  drop(id) {
    for (const edge of this.edgesOf(id)) this.edges.delete(edge.id);
    for (const group of [...this.groups.values()]) if (group.concept === id) this.groups.delete(group.key);
    this.nodes.delete(id);
    this.expanded.delete(id);
  }

  /**
   * Let the oldest concepts leave until at most `MOST` are shown; return how many left.
   *
   * @param {Set<string>} kept concepts that stay: pinned, or just added
   */
  prune(kept) {
    let left = 0;
    for (const id of [...this.nodes.keys()]) {
      if (this.nodes.size <= MOST) break;
      if (kept.has(id) || this.expanded.has(id)) continue;
      for (const edge of this.edgesOf(id)) {
        for (const group of this.groupsOf(edge)) group.gone.push(edge);
      }
      this.drop(id);
      left += 1;
    }
    return left;
  }

  edgesOf(id) {
    return [...this.edges.values()].filter((edge) => edge.head.id === id || edge.tail.id === id);
  }

  groupsOf(edge) {
    const keys = [`${edge.head.id}.head.${edge.relation}`, `${edge.tail.id}.tail.${edge.relation}`];
    return keys.map((key) => this.groups.get(key)).filter(Boolean);
  }

  /** Return how many edges of a group are neither shown nor hidden. */
  remaining(group) {
    const shown = this.edgesOf(group.concept).filter(
      (edge) => edge.relation === group.relation && edge[group.role].id === group.concept,
    );
    return Math.max(0, group.total - shown.length - group.hidden);
  }

  /** Return the groups that have more, each with its number and the type of the concepts. */
  stubs() {
    const found = [];
    for (const group of this.groups.values()) {
      const more = this.remaining(group);
      if (!more || (group.next === null && !group.buffer.length && !group.gone.length)) continue;
      const other = group.role === "head" ? "tail" : "head";
      const sample =
        group.buffer[0] ??
        group.gone[0] ??
        this.edgesOf(group.concept).find((edge) => this.groupsOf(edge).includes(group));
      found.push({ group, more, type: sample ? sample[other].type : "" });
    }
    return found;
  }

  /** Return how many edges of the concept in the middle are shown, and how many there are. */
  counts() {
    if (!this.focus) return { shown: this.edges.size, total: this.edges.size };
    const groups = [...this.groups.values()].filter((group) => group.concept === this.focus.id);
    return { shown: this.edgesOf(this.focus.id).length, total: groups.reduce((sum, group) => sum + group.total, 0) };
  }
}
