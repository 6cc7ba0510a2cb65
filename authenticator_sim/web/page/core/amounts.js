// An amount as it is displayed, each digit of it (PSD2 RTS art. 5).

const AMOUNT = /^(?<whole>0|[1-9][0-9]*)(?:\.(?<fraction>[0-9]+))?$/;
/** For each language what stands between thousands, and before the fraction. */
const SEPARATORS = new Map([
  ["en", { thousands: ",", point: "." }],
  ["de", { thousands: ".", point: "," }],
]);

/**
 * The text of an amount, or null for an unknown language and for what is no decimal number.
 * @param {string} amount with a point
 * @param {string} currency
 * @param {string} locale
 * @returns {string | null}
 */
export function amountText(amount, currency, locale) {
  const separators = SEPARATORS.get(locale);
  const { whole, fraction } = AMOUNT.exec(amount)?.groups ?? {};
  if (separators === undefined || whole === undefined) {
    return null;
  }
  const grouped = whole.replaceAll(/\B(?=(?:[0-9]{3})+$)/g, separators.thousands);
  return `${grouped}${fraction ? separators.point + fraction : ""} ${currency}`;
}
