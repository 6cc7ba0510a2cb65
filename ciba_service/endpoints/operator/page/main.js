// The operators' page: whoever has a session sees the console, everybody else is asked for a token.

import { asRefusal } from "./api/refusal.js";
import { forget, present, watchOtherWindows } from "./api/session.js";
import { fill } from "./look/dom.js";
import { loading, trouble } from "./parts/panel.js";
import { openConsole } from "./shell/console.js";
import { signInPage } from "./shell/sign_in.js";

const root = /** @type {HTMLElement} */ (document.getElementById("page"));
let open = new AbortController();

/** @returns {AbortSignal} of what is shown next; what was shown before is over */
function cleared() {
  open.abort();
  open = new AbortController();
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.close();
  }
  return open.signal;
}

/** @param {string | null} why */
function askForToken(why) {
  cleared();
  forget();
  document.title = "Sign in · CIBA operations";
  root.className = "";
  fill(root, signInPage(showConsole, why));
  document.getElementById("token")?.focus();
}

/** @param {import("./api/session.js").Session} session */
function showConsole(session) {
  root.className = "console";
  openConsole(root, session, cleared(), askForToken);
}

/** Begin, or begin anew when a session began or ended in another window. */
async function begin() {
  try {
    const session = await present();
    if (session === null) {
      askForToken(null);
    } else {
      showConsole(session);
    }
  } catch (error) {
    fill(root, trouble(asRefusal(error), begin));
  }
}

watchOtherWindows(begin);
fill(root, loading());
begin();
