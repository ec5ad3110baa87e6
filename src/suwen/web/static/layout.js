/** Place the nodes: sectors by entity type around the middle, the same at every visit; what is placed stays. */

import { forceSimulation, forceX, forceY } from "./vendor/d3-force.js";

const TICKS = 240;
const CLEANING = 400; // passes that only separate boxes
const STEEP = 0.35;
const STAGGER = [0, 0.3, -0.3]; // of a slot, so that lines to outer rings pass between the inner nodes
const SLOT = 84; // room along a ring for one node with its label
const SHAPES = {
  wide: { radius: [205, 135], step: [135, 84] },
  tall: { radius: [112, 140], step: [92, 88] },
};

/**
 * Place items; those with `fixed` stay where they are.
 *
 * An item is `{ id, type, anchor, box, boxes: { above, below }, x, y, fixed }`; a box is its room with the name above or
 * below, `{ left, right, top, bottom }`, and `box` the one in use. `anchor` is the id of the item that it belongs to, null
 * for the one in the middle. Items of an anchor come the most important first.
 *
 * @param {Array} items changed in place
 * @param {Object} options
 * @param {string} options.seed the id of the concept in the middle
 * @param {"wide"|"tall"} options.form of the room there is
 * @param {Map} options.sectors angles by type, kept between calls so that a type stays where it is
 */
export function layout(items, { seed, form, sectors }) {
  const random = randomOf(seed);
  const byId = new Map(items.map((item) => [item.id, item]));
  const children = groupByAnchor(items);
  for (const root of children.get(null) ?? []) {
    if (!root.fixed) Object.assign(root, { x: 0, y: 0 });
    root.placed = true;
    placeAround(root, children, byId, { form, sectors, random });
  }
  relax(items, random);
  for (const item of items) Object.assign(item, { x: Math.round(item.x), y: Math.round(item.y) });
}

function groupByAnchor(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.anchor, [...(groups.get(item.anchor) ?? []), item]);
  return groups;
}

function placeAround(anchor, children, byId, options) {
  const around = children.get(anchor.id) ?? [];
  if (!around.length) return;
  if (anchor.anchor === null) aimInSectors(anchor, around, options);
  else aimOutward(anchor, around, byId.get(anchor.anchor), options);
  for (const item of around) {
    if (item.fixed) continue;
    // A name above its node is not crossed by the line from below.
    item.box = item.aimY < anchor.y - STEEP * Math.abs(item.aimX - anchor.x) ? item.boxes.above : item.boxes.below;
    item.x = item.aimX + (options.random() - 0.5) * 6;
    item.y = item.aimY + (options.random() - 0.5) * 6;
  }
  for (const item of around) placeAround(item, children, byId, options);
}

function aimInSectors(anchor, around, { form, sectors }) {
  const shape = SHAPES[form];
  const types = [...new Set(around.map((item) => item.type))];
  if (types.some((type) => !sectors.has(type))) divide(types, around, sectors);
  for (const type of types) {
    const [from, to] = sectors.get(type);
    const members = around.filter((item) => item.type === type);
    const slots = slotsOf(members.length, to - from, shape);
    members.forEach((item, index) => {
      const { ring, share } = slots[index];
      const angle = from + (to - from) * share;
      item.aimX = anchor.x + Math.cos(angle) * (shape.radius[0] + ring * shape.step[0]);
      item.aimY = anchor.y + Math.sin(angle) * (shape.radius[1] + ring * shape.step[1]);
    });
  }
}

/** Give each type an angle by how many there are; few get more than their share, so that labels have room. */
function divide(types, around, sectors) {
  const weight = (type) => 0.6 + around.filter((item) => item.type === type).length;
  const whole = types.reduce((sum, type) => sum + weight(type), 0);
  let angle = -Math.PI / 2;
  sectors.clear();
  for (const type of types) {
    const end = angle + (2 * Math.PI * weight(type)) / whole;
    sectors.set(type, [angle, end]);
    angle = end;
  }
}

/** Return ring and share of the angle for each place, the inner rings first. */
function slotsOf(count, angle, { radius, step }) {
  const slots = [];
  for (let ring = 0; slots.length < count; ring += 1) {
    const mean = (radius[0] + radius[1]) / 2 + (ring * (step[0] + step[1])) / 2;
    const room = Math.max(1, Math.floor((angle * mean) / SLOT));
    const used = Math.min(room, count - slots.length);
    for (let index = 0; index < used; index += 1)
      slots.push({ ring, share: (index + 0.5 + STAGGER[ring % STAGGER.length]) / used });
  }
  return slots;
}

/** Fan the neighbors of a node out, away from the node that it hangs on. */
function aimOutward(anchor, around, behind, { form }) {
  const [rx, ry] = SHAPES[form].step.map((step) => step * 1.15);
  const middle = Math.atan2(anchor.y - behind.y, anchor.x - behind.x);
  const perRing = 7;
  around.forEach((item, index) => {
    const ring = Math.floor(index / perRing);
    const inRing = Math.min(perRing, around.length - ring * perRing);
    const share = ((index % perRing) + 0.5 + STAGGER[ring % STAGGER.length]) / inRing;
    const angle = middle + (share - 0.5) * Math.PI * 1.15;
    item.aimX = anchor.x + Math.cos(angle) * rx * (1 + ring * 0.8);
    item.aimY = anchor.y + Math.sin(angle) * ry * (1 + ring * 0.8);
  });
}

/** Let the nodes settle near their places without overlap. Synchronous: nothing moves before the reader's eyes. */
function relax(items, random) {
  for (const item of items) {
    item.fx = item.fixed || item.anchor === null ? item.x : undefined;
    item.fy = item.fixed || item.anchor === null ? item.y : undefined;
  }
  forceSimulation(items)
    .randomSource(random)
    .force("x", forceX((item) => item.aimX ?? item.x).strength(0.12))
    .force("y", forceY((item) => item.aimY ?? item.y).strength(0.12))
    .force("apart", () => separate(items, 0.5))
    .stop()
    .tick(TICKS);
  for (let pass = 0; pass < CLEANING && separate(items, 1); pass += 1);
}

/** Push overlapping boxes apart; return whether any overlapped. */
function separate(items, strength) {
  let any = false;
  for (let i = 0; i < items.length; i += 1) {
    for (let j = i + 1; j < items.length; j += 1) any = push(items[i], items[j], strength) || any;
  }
  return any;
}

function push(one, other, strength) {
  const x = Math.min(
    one.x + one.box.right - other.x - other.box.left,
    other.x + other.box.right - one.x - one.box.left,
  );
  const y = Math.min(
    one.y + one.box.bottom - other.y - other.box.top,
    other.y + other.box.bottom - one.y - one.box.top,
  );
  if (x <= 0.1 || y <= 0.1 || (one.fx !== undefined && other.fx !== undefined)) return false;
  const [axis, overlap] = x < y ? ["x", x] : ["y", y];
  const sign = one[axis] < other[axis] || (one[axis] === other[axis] && one.id < other.id) ? -1 : 1;
  const share = one.fx !== undefined ? 0 : other.fx !== undefined ? 1 : 0.5;
  one[axis] += sign * overlap * share * strength;
  other[axis] -= sign * overlap * (1 - share) * strength;
  return true;
}

/** Return a generator of numbers in [0, 1) that depends on a text alone. */
function randomOf(text) {
  let state = [...text].reduce((sum, character) => (Math.imul(sum, 31) + character.codePointAt(0)) >>> 0, 1);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Place the concepts of a path in a row, or in a column where the room is tall. */
export function layoutPath(items, form) {
  items.forEach((item, index) => {
    const along = index - (items.length - 1) / 2;
    Object.assign(item, form === "wide" ? { x: along * 210, y: 0 } : { x: 0, y: along * 110 });
  });
}
