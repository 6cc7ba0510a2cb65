// Elements made of data: text is always text, and never markup.
// The same file stands in each of the three packages; a test holds the copies equal.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Properties
 */

/**
 * Make an HTML element. `on…` members listen, `data-…`, `aria-…` and `role` are attributes, `class`
 * is the class, and everything else is a property of the element.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) {
      continue;
    }
    if (key.startsWith("on")) {
      made.addEventListener(key.slice(2).toLowerCase(), /** @type {EventListener} */ (value));
    } else if (key === "class" || key === "role" || key === "for" || /^(data|aria)-/.test(key)) {
      made.setAttribute(key, String(value));
    } else {
      Object.assign(made, { [key]: value });
    }
  }
  return fill(made, ...children);
}

/**
 * Make an SVG element; all its properties are attributes.
 *
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Properties} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function drawing(name, attributes = {}, ...children) {
  const made = /** @type {SVGElementTagNameMap[Name]} */ (document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, String(value));
  }
  return fill(made, ...children);
}

/**
 * Replace what an element holds.
 *
 * @template {Element} Target
 * @param {Target} target
 * @param {...Child} children
 * @returns {Target}
 */
export function fill(target, ...children) {
  target.replaceChildren(
    ...children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (child instanceof Node ? child : String(child))),
  );
  return target;
}
