// Icons as line drawings of 24 by 24; all are decoration beside words.

import { drawing } from "../look/dom.js";

const PATHS = Object.freeze({
  shield: [
    "M12 3l7.5 2.8v5.4c0 4.8-3.1 8.3-7.5 9.8-4.4-1.5-7.5-5-7.5-9.8V5.8z",
    "M8.7 12l2.4 2.4 4.4-4.8",
  ],
  check: ["M5 12.5l4.6 4.6L19.5 7"],
  cross: ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"],
  back: ["M14.5 5.5L8 12l6.5 6.5"],
  forward: ["M9.5 5.5L16 12l-6.5 6.5"],
  settings: ["M4 7h9", "M17 7h3", "M15 4.8v4.4", "M4 17h3", "M11 17h9", "M9 14.8v4.4"],
  phone: [
    "M8 3h8a1.5 1.5 0 011.5 1.5v15A1.5 1.5 0 0116 21H8a1.5 1.5 0 01-1.5-1.5v-15A1.5 1.5 0 018 3z",
    "M10.8 18h2.4",
  ],
  warning: ["M12 4l9 15.5H3z", "M12 10v4.2", "M12 16.9v.1"],
  lock: ["M6.5 10.5h11v9h-11z", "M8.5 10.5V7.8a3.5 3.5 0 017 0v2.7", "M12 14v2.3"],
  clock: ["M12 4a8 8 0 100 16 8 8 0 000-16z", "M12 8v4.3l2.8 1.7"],
  key: ["M8.5 11a4 4 0 100 .1z", "M12.3 11.5H20.5v3.3", "M16.7 11.5v2.5"],
  fingerprint: [
    "M12 11v3.5c0 2-.4 3.7-1.2 5.3",
    "M8.6 19c.6-1.3.9-2.8.9-4.5V11a2.5 2.5 0 015 0v3.2c0 1.6-.2 3.1-.6 4.5",
    "M5.8 16.5c.2-.7.3-1.4.3-2.2V11a5.9 5.9 0 0111.8 0v2.8",
    "M6.5 6.5a7.5 7.5 0 0111 0",
  ],
  erase: ["M9 6h10.5v12H9l-5-6z", "M11.8 9.8l4.4 4.4", "M16.2 9.8l-4.4 4.4"],
  copy: ["M9 9h10v11H9z", "M15 9V4H5v11h4"],
  question: ["M9 9.2a3 3 0 115 2.2c-1.2.9-2 1.5-2 2.9", "M12 17.6v.1"],
  offline: [
    "M4 4l16 16",
    "M8.3 12.4a5.5 5.5 0 013.7-1.4",
    "M5 9.2a10 10 0 012.6-1.7",
    "M11 7a10 10 0 018 2.6",
    "M12 17.5v.1",
  ],
  person: ["M12 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7z", "M5 20c.6-3.7 3.4-5.5 7-5.5s6.4 1.8 7 5.5"],
  globe: [
    "M12 4a8 8 0 100 16 8 8 0 000-16z",
    "M4 12h16",
    "M12 4c2.6 2.4 3.6 5 3.6 8s-1 5.6-3.6 8c-2.6-2.4-3.6-5-3.6-8s1-5.6 3.6-8z",
  ],
  loop: ["M19 12a7 7 0 11-2.2-5.1", "M19.3 4v4h-4"],
  info: ["M12 4a8 8 0 100 16 8 8 0 000-16z", "M12 11v5", "M12 8v.1"],
});

/** @typedef {keyof typeof PATHS} IconName */

/**
 * Draw an icon.
 *
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return drawing(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    ...PATHS[name].map((path) => drawing("path", { d: path })),
  );
}
