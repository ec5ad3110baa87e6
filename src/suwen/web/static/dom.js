/** Make elements. Text reaches the page only as text nodes, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an HTML element.
 *
 * @param {string} tag name, with classes after dots: "p.quiet"
 * @param {Object} properties attributes; `on…` are event handlers; null and false leave an attribute out
 * @param {...(Node|string|number|null)} children
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  return build(document.createElement(tag.split(".", 1)[0]), tag, properties, children);
}

/** Make an SVG element, as `h`. */
export function svg(tag, properties = {}, ...children) {
  return build(document.createElementNS(SVG, tag.split(".", 1)[0]), tag, properties, children);
}

function build(element, tag, properties, children) {
  const classes = tag.split(".").slice(1).join(" ");
  if (classes) element.setAttribute("class", classes);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Return a function that runs `action` once, `milliseconds` after its last call. */
export function debounce(action, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds, ...values);
  };
}

/** Save a text or blob as a file of the user. */
export function saveFile(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Copy a text to the clipboard; without permission (plain HTTP) through a selection. Return whether it worked. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea.visually-hidden", { "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return copied;
  }
}
