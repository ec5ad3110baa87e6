/** Texts with marked spans, cut at all their ends, so that spans may overlap and cross. */

import { h } from "./dom.js";
import { segments } from "./segments.js";
import { typeName, typeOf } from "./types.js";

/**
 * Return the nodes of a text with marks.
 *
 * @param {string} text
 * @param {Array} spans `{ start, end, fragments, type, label, cue, here }` in code points of the text: a mention of `type`,
 *   the word that negates it (`cue`), or the place that was asked for (`here`)
 */
export function markedText(text, spans) {
  return segments(text, spans).map(({ text: piece, covering }) =>
    wrap(
      piece,
      covering.map((index) => spans[index]),
    ),
  );
}

function wrap(piece, over) {
  let node = document.createTextNode(piece);
  // The shortest span is the innermost element.
  for (const span of [...over].reverse()) {
    if (span.cue) node = h("u.cue", {}, node);
    else if (span.here) node = h("span.here", {}, node);
    else
      node = h(
        `mark.g-${typeOf(span.type).group}`,
        { title: [typeName(span.type), span.label].filter(Boolean).join(" · ") },
        node,
      );
  }
  return node;
}

/** Move a span by an offset: from a document to a part of it. */
export function shifted({ start, end, fragments = [], ...rest }, by) {
  return {
    ...rest,
    start: start - by,
    end: end - by,
    fragments: fragments.map(([first, last]) => [first - by, last - by]),
  };
}
