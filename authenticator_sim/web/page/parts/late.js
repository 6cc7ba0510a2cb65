// A finger that is on its way to something else must not press what has just come under it.

const READY_MS = 400;

/**
 * A button that takes nothing at first: neither the second tap of two that opened what it stands
 * on, nor the next digit of a PIN for what has ended meanwhile.
 *
 * @param {HTMLButtonElement} button
 * @returns {HTMLButtonElement}
 */
export function late(button) {
  button.disabled = true;
  setTimeout(() => {
    button.disabled = false;
  }, READY_MS);
  return button;
}
