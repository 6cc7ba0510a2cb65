// What every screen and dialog is to the stage that shows it.

/**
 * @typedef {Object} View
 * @property {HTMLElement} element
 * @property {(state: import("../model.js").State) => void} [update] the phone says something new
 * @property {(now: number) => void} [tick] a second has passed; milliseconds of this browser's clock
 * @property {() => void} [gone] it is not shown any more
 */

/**
 * What screens are made with.
 * @typedef {Object} Surroundings
 * @property {import("../phone.js").Phone} phone
 * @property {import("../words/en.js").Words} words
 * @property {number} number which phone of this browser it is
 * @property {import("./stage.js").Stage} stage
 * @property {import("./announcer.js").Announcer} announcer
 * @property {import("./logos.js").Logos} logos
 */

export {};
