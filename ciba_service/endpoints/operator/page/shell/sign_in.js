// The first thing that is seen, and what is seen again when a session has ended.

import { asRefusal, refusalSentence } from "../api/refusal.js";
import { signIn } from "../api/session.js";
import { element, fill } from "../look/dom.js";
import { mark } from "./mark.js";

/**
 * Ask for a token; `signedIn` is called with the session.
 *
 * @param {(session: import("../api/session.js").Session) => void} signedIn
 * @param {string | null} why what led here, where there is something to say
 * @returns {HTMLElement}
 */
export function signInPage(signedIn, why) {
  const field = element("input", {
    id: "token",
    class: "field mono",
    type: "password",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    required: true,
    "aria-describedby": "token-help token-refused",
  });
  const refused = element("p", { id: "token-refused", class: "refused", role: "alert" });
  const button = element("button", { class: "button primary wide-button" }, "Sign in");

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const token = field.value.trim();
    field.value = "";
    button.disabled = true;
    fill(refused);
    try {
      signedIn(await signIn(token));
    } catch (error) {
      const refusal = asRefusal(error);
      button.disabled = false;
      field.focus();
      fill(
        refused,
        refusal.code === "unauthenticated"
          ? "This is no token of an operator, or it has ended."
          : refusalSentence(refusal),
      );
    }
  }

  return element(
    "main",
    { class: "sign-in" },
    element(
      "form",
      { class: "sign-in-card", onsubmit: submit },
      mark(),
      element("h1", { tabIndex: -1 }, "Sign in to operate"),
      why === null ? null : element("p", { class: "why", role: "status" }, why),
      element("label", { for: "token" }, "Operator token"),
      field,
      element(
        "p",
        { id: "token-help", class: "muted small-text" },
        "It is swapped for a session once, and not kept. ",
        element("code", {}, "ciba-service operators token"),
        " makes one.",
      ),
      refused,
      button,
    ),
  );
}
