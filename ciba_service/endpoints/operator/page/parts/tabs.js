// Links to the same list in other states.

import { element } from "../look/dom.js";

/**
 * @param {string} name
 * @param {[string, string, boolean][]} links each its text, its address, and whether it is here
 * @returns {HTMLElement}
 */
export function tabs(name, links) {
  return element(
    "nav",
    { class: "tabs", "aria-label": name },
    ...links.map(([text, href, isHere]) =>
      element("a", { href, class: "tab", "aria-current": isHere ? "true" : null }, text),
    ),
  );
}
