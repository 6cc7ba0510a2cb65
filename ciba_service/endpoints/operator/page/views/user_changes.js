// What an operator can do for a user.

import { resource } from "../api/paths.js";
import { announce } from "../parts/announce.js";
import { openCodeDialog } from "../parts/code_dialog.js";
import { datum } from "../parts/datum.js";

/**
 * @typedef {import("../shell/desk.js").Desk} Desk
 * @typedef {import("../shell/desk.js").Change} Change
 */

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {() => void} again
 * @returns {Change}
 */
export function unlockChange(desk, sub, again) {
  return {
    label: "Unlock",
    title: `Unlock ${sub}?`,
    sentence: [
      "All failed attempts of ",
      datum(sub),
      " are forgotten: every phone has all attempts back.",
    ],
    verb: "Unlock",
    act: async () => {
      await desk.session.write("POST", resource("users", sub, "unlock"));
      announce("The user has all attempts back.");
      again();
    },
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {() => void} again
 * @returns {Change}
 */
export function activateChange(desk, sub, again) {
  return {
    label: "Make an activation code",
    title: `Activation code for ${sub}?`,
    sentence: [
      "A code is made with which a first phone of ",
      datum(sub),
      " can be enrolled; it is shown once.",
    ],
    verb: "Make the code",
    act: () => make(desk, sub, again, false),
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {() => void} again
 * @returns {Change}
 */
export function furtherChange(desk, sub, again) {
  return {
    label: "Code for a further phone",
    title: `A further phone for ${sub}?`,
    sentence: [
      "A code is made with which one more phone of ",
      datum(sub),
      " can be enrolled; a phone that is there must approve it.",
    ],
    verb: "Make the code",
    act: () => make(desk, sub, again, true),
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {() => void} again
 * @returns {Change}
 */
export function resetChange(desk, sub, again) {
  return {
    label: "Reset",
    title: `Reset ${sub}?`,
    sentence: [
      "Every phone of ",
      datum(sub),
      " is revoked and its keys are destroyed, the lock is lifted, and a code for a first phone is made.",
    ],
    verb: "Reset the user",
    danger: true,
    typed: sub,
    act: async () => {
      const code = await desk.session.write("POST", resource("users", sub, "reset"), {});
      again();
      openCodeDialog(sub, code);
    },
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {string} client
 * @param {() => void} again
 * @returns {Change}
 */
export function unblockChange(desk, sub, client, again) {
  return {
    label: "Lift the block",
    title: `Lift the block of ${client}?`,
    sentence: [
      datum(client),
      " may ask ",
      datum(sub),
      " again, who said that a request was not theirs.",
    ],
    verb: "Lift the block",
    act: async () => {
      await desk.session.write("DELETE", resource("users", sub, "blocks", client));
      announce("The client may ask again.");
      again();
    },
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {{ transaction_id: string, client_name: string }} access
 * @param {() => void} again
 * @returns {Change}
 */
export function endAccessChange(desk, sub, access, again) {
  return {
    label: "End access",
    title: "End this access?",
    sentence: [
      datum(access.client_name),
      " loses its access to what ",
      datum(sub),
      " shares with it, and must ask again.",
    ],
    verb: "End the access",
    danger: true,
    act: async () => {
      await desk.session.write("DELETE", resource("users", sub, "accesses", access.transaction_id));
      announce("The access has ended.");
      again();
    },
  };
}

/**
 * @param {Desk} desk
 * @param {string} sub
 * @param {() => void} again
 * @param {boolean} further
 */
async function make(desk, sub, again, further) {
  const code = await desk.session.write("POST", resource("users", sub, "activation"), { further });
  again();
  openCodeDialog(sub, code);
}
