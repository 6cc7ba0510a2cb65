// Draw something anew without taking the focus from whoever is in it.

/**
 * @param {Element} container
 * @param {() => void} draw
 */
export function keepingFocus(container, draw) {
  const active = document.activeElement;
  const key = active !== null && container.contains(active) ? active.getAttribute("data-key") : "";
  draw();
  if (key) {
    const again = container.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again instanceof HTMLElement) {
      again.focus({ preventScroll: true });
    }
  }
}
