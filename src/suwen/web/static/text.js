/** Count as the server does: in Unicode code points. Strings of JavaScript count UTF-16 units. */

/** Return how many code points a text has. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
