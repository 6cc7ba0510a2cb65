// Fields with their labels.

import { element } from "../look/dom.js";

/**
 * @param {string} name
 * @param {string} label
 * @param {Record<string, unknown>} [properties]
 * @param {"input" | "textarea"} [kind]
 * @returns {HTMLElement}
 */
export function field(name, label, properties = {}, kind = "input") {
  const id = `order-${name}`;
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    element(kind, { id, name, ...properties }),
  );
}

/**
 * @param {string} name
 * @param {string} label
 * @param {Record<string, string>} options
 * @param {(value: string) => void} [chosen]
 * @returns {HTMLElement}
 */
export function choice(name, label, options, chosen) {
  const id = `order-${name}`;
  const select = element(
    "select",
    { id, name, onchange: () => chosen?.(select.value) },
    ...Object.entries(options).map(([value, text]) => element("option", { value }, text)),
  );
  return element("div", { class: "field" }, element("label", { for: id }, label), select);
}

/**
 * Fields beside each other.
 *
 * @param {...HTMLElement} fields
 * @returns {HTMLElement}
 */
export function group(...fields) {
  return element("div", { class: "fields" }, ...fields);
}
