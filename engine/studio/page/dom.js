// @ts-check
/** Elements: found, made and filled. Nothing is ever read as HTML. */

/**
 * Return the element with that id.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function $(id, kind) {
  const found = document.getElementById(id);
  if (!found || (kind && !(found instanceof kind))) throw new Error(`no ${id}`);
  return /** @type {T} */ (found);
}

/**
 * Make an element: properties by name, attributes where a name has a dash, listeners where it begins with on.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else Object.assign(made, { [name]: value });
  }
  made.append(...children);
  return made;
}

/** Return a button. @param {string} text @param {() => void} pressed @param {Record<string, any>} [properties] */
export const button = (text, pressed, properties = {}) =>
  make("button", { type: "button", onclick: pressed, ...properties }, text);

/** Fill an element anew; what had the focus in it has it again, found by its id. @param {HTMLElement} place @param {...HTMLElement} children */
export function refill(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : "";
  place.replaceChildren(...children);
  if (focused) document.getElementById(focused)?.focus();
}

/** Show elements, or hide them. @param {boolean} shown @param {...HTMLElement} elements */
export function show(shown, ...elements) {
  for (const element of elements) element.hidden = !shown;
}
