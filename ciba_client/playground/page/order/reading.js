// A filled-in form as the playground takes it.

/**
 * @param {FormData} form
 * @returns {Record<string, unknown>}
 */
export function readOrder(form) {
  const text = (/** @type {string} */ name) => String(form.get(name) ?? "");
  /** @type {Record<string, unknown>} */
  const order = {
    client: text("client"),
    hint_kind: text("hint_kind"),
    hint: text("hint"),
    hint_of: text("hint_of"),
    scope: text("scope"),
    binding_message: text("binding_message"),
    acr_values: text("acr_values"),
    user_code: text("user_code"),
    extensions: text("extensions"),
  };
  if (text("requested_expiry")) {
    order.requested_expiry = Number(text("requested_expiry"));
  }
  if (text("purpose") === "payment") {
    const names = ["amount", "currency", "payee", "iban", "remittance"];
    order.payment = Object.fromEntries(names.map((name) => [name, text(name)]));
  }
  if (text("purpose") === "details") {
    order.authorization_details = text("authorization_details");
  }
  return order;
}
