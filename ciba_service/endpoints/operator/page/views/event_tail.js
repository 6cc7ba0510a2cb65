// Security events as they come, the last one first.

import { followEvents } from "../api/event_stream.js";
import { resource } from "../api/paths.js";
import { refusalSentence } from "../api/refusal.js";
import { element, fill } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { datum, spelt } from "../parts/datum.js";
import { instant } from "../parts/instant.js";
import { loading, nothing } from "../parts/panel.js";
import { place } from "../shell/route.js";

/** @typedef {import("../api/documents.js").SecurityEvent} SecurityEvent */

const KEPT = 1000;
const LONGEST = 20;

/** @type {Record<string, string>} */
const LINKED = { transaction_id: "transactions", client_id: "clients", device_id: "phones" };

/** What is in milliseconds since the epoch. */
const INSTANTS = new Set(["blocked_until"]);

/** A list that grows at its top. */
export class EventTail {
  /** @type {SecurityEvent[]} */
  #events = [];
  #paused = false;
  #drawing = false;
  /** @type {(event: SecurityEvent) => boolean} */
  #wanted = () => true;

  /**
   * @param {import("../shell/desk.js").Desk} desk
   * @param {{ most: number, changed?: (tail: EventTail) => void }} options `most` are shown
   */
  constructor(desk, { most, changed = () => undefined }) {
    this.most = most;
    this.changed = changed;
    this.list = element("div", {}, loading());
    this.state = element("p", { class: "live", role: "status" });
    this.body = element("div", { class: "tail" }, this.state, this.list);
    followEvents(
      resource("events"),
      {
        event: ({ data }) => this.#arrived(data),
        connected: (is) => {
          fill(this.state, is ? null : "The stream has broken off. It is tried again.");
          if (is && this.#events.length === 0) {
            this.#draw();
          }
        },
        refused: (refusal) => {
          if (refusal.code === "unauthenticated") {
            desk.ended();
          } else {
            fill(this.state, `${refusalSentence(refusal)} It is tried again.`);
          }
        },
      },
      desk.signal,
    );
  }

  /** @returns {string[]} the kinds that there are, by name */
  get kinds() {
    return [...new Set(this.#events.map((each) => each.event.kind))].sort();
  }

  /** @param {(event: SecurityEvent) => boolean} wanted */
  show(wanted) {
    this.#wanted = wanted;
    this.#draw();
  }

  /** @param {boolean} paused what comes is kept, and shown when it is over */
  pause(paused) {
    this.#paused = paused;
    this.#draw();
  }

  /** @param {SecurityEvent} event */
  #arrived(event) {
    this.#events.unshift(event);
    this.#events.length = Math.min(this.#events.length, KEPT);
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => {
        this.#drawing = false;
        this.#draw();
      });
    }
  }

  #draw() {
    this.changed(this);
    if (this.#paused) {
      return;
    }
    const shown = this.#events.filter(this.#wanted).slice(0, this.most);
    const rows = shown.length
      ? element("ol", { class: "events" }, ...shown.map(eventRow))
      : nothing(this.#events.length ? "None of these has happened." : "Nothing has happened yet.");
    fill(this.list, rows);
  }
}

/**
 * The name of a kind in words.
 *
 * @param {string} kind
 * @returns {string}
 */
export function kindWords(kind) {
  const words = kind.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {SecurityEvent} event */
function eventRow({ time, severity, event }) {
  const fields = Object.entries(event).filter(([name]) => name !== "kind");
  return element(
    "li",
    {},
    element("span", { class: "event-when" }, instant(time)),
    badge(severity),
    element("strong", { class: "event-kind" }, kindWords(event.kind)),
    element(
      "span",
      { class: "event-fields" },
      ...fields.map(([name, value]) => fieldOf(name, value)),
    ),
  );
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function fieldOf(name, value) {
  const shown =
    INSTANTS.has(name) && typeof value === "number"
      ? instant(new Date(value).toISOString())
      : textOf(name, typeof value === "string" ? value : JSON.stringify(value));
  return element("span", { class: "event-field" }, `${name.replaceAll("_", " ")} `, shown);
}

/**
 * @param {string} name
 * @param {string} text
 */
function textOf(name, text) {
  const view = LINKED[name];
  return view
    ? element("a", { href: place(view, text), title: spelt(text) }, datum(shortened(text)))
    : datum(text);
}

/**
 * What machines made is too long to be read; whoever needs all of it follows the link.
 *
 * @param {string} text
 */
function shortened(text) {
  return text.length > LONGEST ? `${text.slice(0, 10)}…` : text;
}
