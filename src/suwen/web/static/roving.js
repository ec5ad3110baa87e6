/** One stop of the Tab key for many buttons: the arrow keys, Home and End move between them. */

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Make the buttons in a container that match a selector one stop; the first is where the focus enters. */
export function roving(container, selector) {
  const buttons = [...container.querySelectorAll(selector)];
  let current = buttons[0];
  for (const button of buttons) button.tabIndex = button === current ? 0 : -1;
  container.addEventListener("focusin", ({ target }) => {
    if (!buttons.includes(target)) return;
    current.tabIndex = -1;
    current = target;
    current.tabIndex = 0;
  });
  container.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const next = { Home: 0, End: buttons.length - 1 }[event.key] ?? at + STEPS[event.key];
    if (at < 0 || Number.isNaN(next) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    buttons[next]?.focus();
  });
}
