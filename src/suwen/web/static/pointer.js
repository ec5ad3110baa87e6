/** Mouse and touch in the graph. */

const STILL = 5; // pixels that a finger may move in a click

/** Let a `GraphView` be zoomed by the wheel or two fingers, panned and its nodes dragged; a click opens what it hits. */
export function wirePointer(view) {
  const pointers = new Map();
  let drag = null;
  view.canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), fromMiddle(view, event));
    },
    { passive: false },
  );
  view.canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    drag = { part: partAt(view, event.target), moved: false, start: [event.clientX, event.clientY] };
  });
  view.canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    if (!drag.moved && Math.hypot(now[0] - drag.start[0], now[1] - drag.start[1]) < STILL) return;
    if (!drag.moved) view.canvas.setPointerCapture(event.pointerId);
    drag.moved = true;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(view, last, now, other);
    else dragBy(view, drag.part, now[0] - last[0], now[1] - last[1]);
    pointers.set(event.pointerId, now);
  });
  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && !drag.moved && drag.part) {
      view.focusPart(drag.part.id);
      view.activate(drag.part);
    } else if (drag.moved && isDraggable(drag.part)) {
      const item = view.items.get(drag.part.id);
      Object.assign(item, { x: Math.round(item.x), y: Math.round(item.y) });
      view.dragged.add(item.id);
      view.redraw();
      view.actions.onMove();
    }
  };
  view.canvas.addEventListener("pointerup", end);
  view.canvas.addEventListener("pointercancel", end);
}

function partAt(view, target) {
  return [...view.parts.values()].find(({ element }) => element.contains(target)) ?? null;
}

function fromMiddle(view, event) {
  const { left, top, width, height } = view.element.getBoundingClientRect();
  return [event.clientX - left - width / 2, event.clientY - top - height / 2];
}

function pinch(view, last, now, other) {
  const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
  view.zoom(
    distance(now) / distance(last),
    fromMiddle(view, { clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 }),
  );
}

function dragBy(view, part, dx, dy) {
  const { k } = view.camera;
  if (!isDraggable(part)) {
    view.camera.x -= dx / k;
    view.camera.y -= dy / k;
    view.isFitted = false;
    view.apply();
    return;
  }
  const item = view.items.get(part.id);
  Object.assign(item, { x: item.x + dx / k, y: item.y + dy / k, fixed: true });
  view.redraw();
}

function isDraggable(part) {
  return part?.kind === "node" || part?.kind === "focus";
}
