// The form of a request; what it sends is one authentication request (CIBA 7.1).

import { element, fill } from "../look/dom.js";
import { post, Refused } from "../session.js";
import { clientCard } from "./client.js";
import { choice, field, group } from "./fields.js";
import { readOrder } from "./reading.js";

const HINTS = {
  login_hint: "login_hint",
  login_hint_token: "login_hint_token",
  id_token_hint: "id_token_hint",
};
const PURPOSES = { signin: "Sign-in", payment: "Payment", details: "authorization_details" };

/**
 * Draw the form, unless it is there: what somebody types is not drawn over.
 *
 * @param {HTMLElement} container
 * @param {import("../model.js").Model} model
 * @param {(id: string) => void} started
 */
export function drawOrder(container, model, started) {
  if (container.querySelector("form") !== null) {
    return;
  }
  const card = element("div", { class: "card-of-client" });
  const hint = element("div");
  const what = element("div");
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const clients = Object.fromEntries(model.clients.map((client) => [client.name, client.name]));
  const drawn = () => {
    const client = model.clients.find(
      (each) => each.name === form.elements.namedItem("client")?.value,
    );
    fill(card, client && clientCard(client));
    form.user_code.closest(".field").hidden = !client?.user_code;
  };
  const form = /** @type {any} */ (
    element(
      "form",
      {
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          start(form, problem, started);
        },
      },
      element(
        "div",
        { class: "entries" },
        choice("client", "Client", clients, () => drawn()),
        card,
        choice("hint_kind", "Whom to ask by", HINTS, (kind) => drawHint(hint, kind, model)),
        hint,
        field("scope", "Scope", { value: "openid", required: true, spellcheck: false }),
        field("binding_message", "Binding message, shown on both devices", { value: "W4SCT" }),
        choice("purpose", "What to approve", PURPOSES, (purpose) => drawPurpose(what, purpose)),
        what,
        element(
          "details",
          {},
          element("summary", {}, "More parameters"),
          field("acr_values", "acr_values", { placeholder: "urn:openbanking:psd2:sca" }),
          field("requested_expiry", "requested_expiry, seconds", {
            inputMode: "numeric",
            pattern: "[0-9]{1,5}",
          }),
          field(
            "extensions",
            "Further parameters, a JSON object",
            { rows: 3, spellcheck: false, placeholder: '{"resource": "https://api.example"}' },
            "textarea",
          ),
          field("user_code", "user_code", { autocomplete: "off", type: "password" }),
        ),
      ),
      problem,
      element("button", { type: "submit", class: "primary wide" }, "Start"),
    )
  );
  fill(container, form);
  drawHint(hint, "login_hint", model);
  drawn();
}

/**
 * @param {HTMLElement} container
 * @param {string} kind
 * @param {import("../model.js").Model} model
 */
function drawHint(container, kind, model) {
  if (kind === "login_hint") {
    const value = model.login_hint;
    const settings = { value, placeholder: "alice@example.org", required: true, spellcheck: false };
    fill(container, field("hint", "login_hint", settings));
    return;
  }
  const earlier = [...model.flows.values()].filter((flow) => flow.subject !== null);
  const flows = Object.fromEntries(
    earlier.map((flow) => [flow.id, `${flow.subject}: ${flow.title}`]),
  );
  fill(
    container,
    kind === "id_token_hint" &&
      choice("hint_of", "ID token of", { "": "the token below", ...flows }),
    field("hint", `${kind}, a JWT`, { rows: 3, spellcheck: false }, "textarea"),
  );
}

/**
 * @param {HTMLElement} container
 * @param {string} purpose
 */
function drawPurpose(container, purpose) {
  if (purpose === "payment") {
    fill(
      container,
      group(
        field("amount", "Amount", { value: "12.50", required: true, inputMode: "decimal" }),
        field("currency", "Currency", { value: "EUR", required: true, maxLength: 3 }),
      ),
      field("payee", "Payee", { value: "Corner Shop Ltd", required: true }),
      field("iban", "IBAN", { value: "DE89 3704 0044 0532 0130 00", spellcheck: false }),
      field("remittance", "Remittance information", { placeholder: "Invoice 2026-117" }),
    );
  } else if (purpose === "details") {
    const value = '[{"type": "account_information", "access": {"accounts": []}}]';
    fill(
      container,
      field(
        "authorization_details",
        "authorization_details, JSON",
        { rows: 6, value, spellcheck: false },
        "textarea",
      ),
    );
  } else {
    fill(container);
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} problem
 * @param {(id: string) => void} started
 */
async function start(form, problem, started) {
  problem.hidden = true;
  try {
    const { id } = await post("/api/flows", readOrder(new FormData(form)));
    started(id);
  } catch (error) {
    problem.hidden = false;
    fill(problem, error instanceof Refused ? error.message : "The playground cannot be reached.");
  }
}
