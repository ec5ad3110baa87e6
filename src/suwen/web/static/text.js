/** Convert offsets: the server counts Unicode code points, strings of JavaScript count UTF-16 units. */

/**
 * Return a function that gives the UTF-16 index of a code point offset in `text`.
 *
 * @param {string} text
 * @param {number} start the offset of the first code point of `text`, if `text` is part of a document
 */
export function unitsOf(text, start = 0) {
  if (!/[\ud800-\udfff]/.test(text)) return (offset) => clamp(offset - start, text.length);
  const units = [0];
  for (const character of text) units.push(units.at(-1) + character.length);
  return (offset) => units[clamp(offset - start, units.length - 1)];
}

/** Return how many code points a text has. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function clamp(value, most) {
  return Math.min(Math.max(value, 0), most);
}
