// The one screen that is shown, and the dialogs that lie on it.

/** @typedef {import("./view.js").View} View */
/** @typedef {import("../model.js").State} State */

/** Tells what is shown of the phone's news and of the seconds that pass. */
export class Stage {
  /** @type {View | null} */
  #screen = null;
  /** @type {Set<View>} */
  #dialogs = new Set();
  /** @type {HTMLElement} */
  #place;
  /** @type {() => State} */
  #state;
  /** @type {import("./announcer.js").Announcer} */
  #announcer;

  /**
   * @param {HTMLElement} place
   * @param {() => State} state
   * @param {import("./announcer.js").Announcer} announcer
   */
  constructor(place, state, announcer) {
    this.#place = place;
    this.#state = state;
    this.#announcer = announcer;
  }

  /**
   * Show a screen in place of the one before; its heading takes the focus.
   *
   * @param {View} screen
   */
  show(screen) {
    this.#screen?.gone?.();
    this.#screen = screen;
    this.#tell(screen);
    this.#place.replaceChildren(screen.element);
    scrollTo(0, 0);
    if (this.#dialogs.size === 0) {
      focusHeading(screen.element);
    }
  }

  /**
   * Show a dialog above everything until it is closed, and then say so.
   *
   * @template {View & {element: HTMLDialogElement}} Dialog
   * @param {Dialog} dialog
   * @returns {Promise<void>}
   */
  async open(dialog) {
    const before = document.activeElement;
    const silence = this.#announcer.within(dialog.element);
    this.#dialogs.add(dialog);
    this.#tell(dialog);
    document.body.append(dialog.element);
    dialog.element.showModal();
    focusHeading(dialog.element);
    await new Promise((resolve) => {
      dialog.element.addEventListener("close", resolve, { once: true });
    });
    this.#dialogs.delete(dialog);
    silence();
    dialog.gone?.();
    dialog.element.remove();
    this.#giveFocusBack(before);
  }

  /** Whether a dialog lies on the screen. */
  get covered() {
    return this.#dialogs.size > 0;
  }

  /** Close every dialog: what they were about is over. */
  uncover() {
    for (const dialog of this.#dialogs) {
      /** @type {HTMLDialogElement} */ (dialog.element).close();
    }
  }

  /** Tell all that is shown what the phone says now. */
  update() {
    for (const view of this.#shown()) {
      view.update?.(this.#state());
    }
  }

  /** @param {number} now milliseconds */
  tick(now) {
    for (const view of this.#shown()) {
      view.tick?.(now);
    }
  }

  #shown() {
    return [...(this.#screen ? [this.#screen] : []), ...this.#dialogs];
  }

  /** @param {View} view */
  #tell(view) {
    view.update?.(this.#state());
    view.tick?.(Date.now());
  }

  /** @param {Element | null} before */
  #giveFocusBack(before) {
    if (before instanceof HTMLElement && before.isConnected && before !== document.body) {
      before.focus();
    } else if (this.#screen && !this.covered) {
      focusHeading(this.#screen.element);
    }
  }
}

/**
 * Begin at the heading: where reading starts, and the Tab key goes on from.
 *
 * @param {Element} view
 */
export function focusHeading(view) {
  const heading = view.querySelector("h1, h2");
  if (heading instanceof HTMLElement) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

/**
 * Begin at the heading again where what had the focus is not there any more.
 *
 * @param {Element} view
 */
export function regainFocus(view) {
  if (document.activeElement === document.body) {
    focusHeading(view);
  }
}
