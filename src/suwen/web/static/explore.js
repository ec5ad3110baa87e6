/** The graph tab. */

export function mount() {
  return { find() {} };
}
