// Security events as they come, filtered by kind and by how bad they are.

import { element, fill } from "../look/dom.js";
import { panel } from "../parts/panel.js";
import { place } from "../shell/route.js";
import { EventTail, kindWords } from "./event_tail.js";

const SHOWN = 200;
const SEVERITIES = ["info", "warning", "alert"];

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {URLSearchParams} query
 * @returns {import("../shell/desk.js").View}
 */
export function eventsView(desk, query) {
  const kind = choice("event-kind", "Kind");
  const severity = choice("event-severity", "At least");
  fill(severity.select, ...SEVERITIES.map((each) => element("option", { value: each }, each)));
  const pause = element(
    "button",
    { type: "button", class: "button", "aria-pressed": "false", onclick: toggle },
    "Pause",
  );
  let wantedKind = query.get("kind") ?? "";
  let kinds = "";
  const tail = new EventTail(desk, { most: SHOWN, changed: fillKinds });

  /** @param {EventTail} grown */
  function fillKinds(grown) {
    const there = new Set(grown.kinds);
    if (wantedKind) {
      there.add(wantedKind);
    }
    const names = [...there].sort();
    if (names.join() !== kinds) {
      kinds = names.join();
      fill(
        kind.select,
        element("option", { value: "" }, "all"),
        ...names.map((each) =>
          element("option", { value: each, selected: each === wantedKind }, kindWords(each)),
        ),
      );
    }
  }

  function choose() {
    wantedKind = kind.select.value;
    const least = SEVERITIES.indexOf(severity.select.value);
    history.replaceState(
      null,
      "",
      wantedKind ? `${place("events")}?kind=${encodeURIComponent(wantedKind)}` : place("events"),
    );
    tail.show(
      (each) =>
        (!wantedKind || each.event.kind === wantedKind) &&
        SEVERITIES.indexOf(each.severity) >= least,
    );
  }

  function toggle() {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    tail.pause(paused);
  }

  kind.select.addEventListener("change", choose);
  severity.select.addEventListener("change", choose);
  fillKinds(tail);
  choose();
  const controls = element("div", { class: "controls" }, kind.label, severity.label, pause);
  const whose = element(
    "p",
    { class: "muted small-text" },
    "The last thousand of all processes. The whole of them is in the file of events, or with their receivers.",
  );
  return { title: "Security events", body: [panel("Live", [controls, whose, tail.body])] };
}

/**
 * @param {string} id
 * @param {string} name
 */
function choice(id, name) {
  const select = element("select", { id, class: "field" });
  return { select, label: element("label", { class: "choice", for: id }, name, select) };
}
