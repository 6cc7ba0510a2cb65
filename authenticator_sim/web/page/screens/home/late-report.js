// "Not me", said of a request that is over: who asked cannot ask again.

import { confirmed } from "../../parts/dialogs.js";
import { PhoneError } from "../../phone.js";

/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */

/**
 * Ask, report, and take the notice away.
 *
 * @param {{id: number, transactionId: string, client: string}} notice
 * @param {Surroundings} surroundings
 */
export async function reportLate({ id, transactionId, client }, surroundings) {
  const { announcer, phone, words } = surroundings;
  const { title, text, action, done } = words.lateReport;
  const wanted = await confirmed(surroundings, { title, text: text(client), action });
  if (wanted && (await reported({ transactionId }, surroundings))) {
    phone.dismiss(id);
    announcer.interrupt(done(client));
  }
}

/**
 * Report what the user has confirmed; what goes wrong is said in a dialog, and tried again from there.
 *
 * @param {{transactionId: string, lang?: string}} over
 * @param {Surroundings} surroundings
 * @returns {Promise<boolean>} whether the service has heard it
 */
export async function reported({ transactionId, lang }, surroundings) {
  const { phone, words } = surroundings;
  const { title, action } = words.lateReport;
  for (;;) {
    try {
      await phone.report(transactionId);
      return true;
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      const text = words.errors[error.code];
      if (!(await confirmed(surroundings, { title, text, action, lang }))) {
        return false;
      }
    }
  }
}
