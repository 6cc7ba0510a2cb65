// The console: where one can go, who operates, and the view that is open.

import { asRefusal, refusalSentence } from "../api/refusal.js";
import { element, fill } from "../look/dom.js";
import { announce } from "../parts/announce.js";
import { focusHeading, replaceKeepingFocus } from "../parts/focus.js";
import { nothing } from "../parts/panel.js";
import { Desk } from "./desk.js";
import { icon } from "./icons.js";
import { mark } from "./mark.js";
import { parseRoute, place } from "./route.js";
import { sessionEnd } from "./session_end.js";
import { VIEWS, viewOf } from "./views.js";

/**
 * Show the console until the signal.
 *
 * @param {Element} root
 * @param {import("../api/session.js").Session} session
 * @param {AbortSignal} signal
 * @param {(why: string | null) => void} left to be called when the session is over
 */
export function openConsole(root, session, signal, left) {
  const over = () => left("The session has ended. Sign in to go on where you were.");
  const links = VIEWS.map(({ view, name }) =>
    element("a", { href: place(view), class: "nav-link" }, icon(view), element("span", {}, name)),
  );
  const main = element("main", { id: "main" });
  const end = sessionEnd(session.expiresAt, signal, over);
  let leave = new AbortController();
  let shownAt = "";

  function show() {
    leave.abort();
    leave = new AbortController();
    const route = parseRoute(location.hash);
    const at = [route.view, ...route.names].join("/");
    for (const link of links) {
      const isHere = link.getAttribute("href") === place(route.view);
      link.toggleAttribute("aria-current", isHere);
      if (isHere) {
        link.setAttribute("aria-current", route.names.length ? "true" : "page");
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
    }
    const view = opened(route, new Desk(session, leave.signal, over));
    document.title = `${view.title} · CIBA operations`;
    replaceKeepingFocus(main, ...headed(view));
    if (at !== shownAt && shownAt !== "") {
      scrollTo(0, 0);
      focusHeading();
    }
    shownAt = at;
  }

  signal.addEventListener("abort", () => leave.abort(), { once: true });
  addEventListener("hashchange", show, { signal });
  fill(root, sidebar(links, session, end, left), main);
  show();
}

/**
 * @param {import("./route.js").Route} route
 * @param {Desk} desk
 * @returns {import("./desk.js").View}
 */
function opened(route, desk) {
  try {
    return viewOf(route, desk);
  } catch (error) {
    const refusal = asRefusal(error);
    return { title: "Nothing here", body: [nothing(refusalSentence(refusal))] };
  }
}

/**
 * @param {import("./desk.js").View} view
 * @returns {import("../look/dom.js").Child[]}
 */
function headed({ title, parent, body }) {
  const above =
    parent === undefined
      ? null
      : element("p", { class: "above" }, element("a", { href: parent[1] }, `← ${parent[0]}`));
  const heading = element("h1", { tabIndex: -1 }, element("bdi", {}, title));
  return [element("header", { class: "view-head" }, above, heading), ...body];
}

/**
 * @param {HTMLElement[]} links
 * @param {import("../api/session.js").Session} session
 * @param {HTMLElement} end
 * @param {(why: string | null) => void} left
 * @returns {HTMLElement}
 */
function sidebar(links, session, end, left) {
  const role = session.mayWrite ? "may read and write" : "may only read";
  const limits = session.mayWrite
    ? null
    : element(
        "p",
        { id: "read-only", class: "read-only" },
        "To change something needs the role write.",
      );

  async function signOut() {
    try {
      await session.end();
      left(null);
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.code === "unauthenticated") {
        left(null);
      } else {
        announce(`${refusalSentence(refusal)} You are still signed in.`);
      }
    }
  }

  const skip = () => focusHeading();
  return element(
    "header",
    { class: "sidebar" },
    element("button", { type: "button", class: "skip", onclick: skip }, "Skip to the content"),
    mark(),
    element("nav", { "aria-label": "Views" }, ...links),
    element(
      "div",
      { class: "session" },
      element(
        "p",
        { class: "who" },
        element("strong", {}, session.operator),
        element("span", {}, role),
      ),
      limits,
      end,
      element("button", { type: "button", class: "button small", onclick: signOut }, "Sign out"),
    ),
  );
}
