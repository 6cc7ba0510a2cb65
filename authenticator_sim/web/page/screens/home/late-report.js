// "Not me", said of a request that is over: who asked cannot ask again.

import { confirmed } from "../../parts/dialogs.js";
import { PhoneError } from "../../phone.js";

/**
 * Ask, report, and take the notice away; what goes wrong is said in a dialog.
 *
 * @param {{id: number, transactionId: string, client: string}} notice
 * @param {import("../../parts/view.js").Surroundings} surroundings
 */
export async function reportLate({ id, transactionId, client }, surroundings) {
  const { announcer, phone, words } = surroundings;
  const { title, text, action, done } = words.lateReport;
  let problem = "";
  while (await confirmed(surroundings, { title, text: problem || text(client), action })) {
    try {
      await phone.report(transactionId);
      phone.dismiss(id);
      announcer.interrupt(done(client));
      return;
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      problem = words.errors[error.code];
    }
  }
}
