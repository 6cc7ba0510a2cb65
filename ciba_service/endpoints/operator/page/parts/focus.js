// Whoever works with the keyboard stays where they were, although the page is drawn anew.

import { fill } from "../look/dom.js";

/**
 * Replace what an element holds; the focus goes to the same link or button as before, or to the
 * heading of the view when that is gone.
 *
 * @param {Element} target
 * @param {...import("../look/dom.js").Child} children
 */
export function replaceKeepingFocus(target, ...children) {
  const focused = document.activeElement;
  if (focused === null || !target.contains(focused)) {
    fill(target, ...children);
    return;
  }
  const name = nameOf(focused);
  fill(target, ...children);
  const same = [...target.querySelectorAll("a, button, input, select, summary")].find(
    (each) => nameOf(each) === name,
  );
  if (same instanceof HTMLElement) {
    same.focus();
  } else {
    focusHeading();
  }
}

/** Begin to read at the heading of the view. */
export function focusHeading() {
  document.querySelector("h1")?.focus();
}

/**
 * @param {Element} each
 * @returns {string}
 */
function nameOf(each) {
  return `${each.tagName} ${each.getAttribute("data-focus") ?? each.getAttribute("href") ?? each.textContent}`;
}
