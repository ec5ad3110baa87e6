/** Draw arrows between mentions over a text. */

import { svg } from "./dom.js";

const RISE = 22; // how far an arc rises above its line, in pixels
const MARGIN = 4; // between the end of an arrow and its mention

/**
 * Return a layer for arrows over a container, and the function that draws them.
 *
 * `draw` takes pairs of elements, from and to; each call replaces the former arrows. They follow when the text wraps anew.
 */
export function arrowLayer(container) {
  const paths = svg("g", {});
  const head = svg("path.tip", { d: "M0 0L8 4 0 8Z" });
  const marker = svg(
    "marker",
    { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    head,
  );
  const layer = svg("svg.arrows", { "aria-hidden": "true" }, svg("defs", {}, marker), paths);
  container.append(layer);
  let shown = [];
  const place = () => {
    const origin = layer.getBoundingClientRect();
    paths.replaceChildren(...shown.map(([from, to]) => arrow(middle(from, origin), middle(to, origin))));
  };
  new ResizeObserver(place).observe(container);
  return (pairs) => {
    shown = pairs;
    place();
  };
}

/** Return the middle of the upper edge of an element's first line. */
function middle(element, origin) {
  const box = element.getClientRects()[0] ?? element.getBoundingClientRect();
  return { x: box.left + box.width / 2 - origin.left, y: box.top - origin.top };
}

function arrow(from, to) {
  const top = Math.min(from.y, to.y) - RISE;
  const high = (point) => (point.y - top > 3 * RISE ? point.y - RISE : top);
  const [start, end] = [from.y - MARGIN, to.y - MARGIN];
  return svg("path.arrow", {
    d: `M${from.x} ${start}C${from.x} ${high(from)} ${to.x} ${high(to)} ${to.x} ${end}`,
    "marker-end": "url(#arrow)",
  });
}
