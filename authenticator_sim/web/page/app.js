// The web phone, put together: one phone of this browser, and the screen that fits its state.

import { element } from "./look/dom.js";
import { Announcer } from "./parts/announcer.js";
import { Logos } from "./parts/logos.js";
import { Stage } from "./parts/stage.js";
import { Phone } from "./phone.js";
import { codeOfLink } from "./screens/enrol/activation-code.js";
import { plainPage } from "./screens/plain-page.js";
import { Screens } from "./screens/screens.js";
import { chosenLanguage, wordsIn } from "./words/language.js";

const SECOND_MS = 1_000;

// A link that is opened where the page is already: it begins anew, and takes the code.
addEventListener("hashchange", () => {
  if (location.hash) {
    location.reload();
  }
});

/** The activation code of a link; it stays neither in the address nor in the browser's history. */
function takenCode() {
  const code = codeOfLink(location.hash);
  if (location.hash) {
    history.replaceState(null, "", `${location.pathname}${location.search}`);
  }
  return code;
}

/** Which phone of this browser it is: `?phone=2`. */
function phoneNumber() {
  const named = new URLSearchParams(location.search).get("phone") ?? "";
  return /^[1-9][0-9]{0,2}$/.test(named) ? Number(named) : 1;
}

/** @returns {Promise<string | null>} the address of the service, as this page's server says */
async function issuerOfPage() {
  try {
    const answer = await fetch("configuration.json");
    const { issuer } = await answer.json();
    return typeof issuer === "string" ? issuer : null;
  } catch {
    return null;
  }
}

async function start() {
  const linkedCode = takenCode();
  const language = chosenLanguage(navigator.languages);
  const words = wordsIn(language);
  document.documentElement.lang = language;
  document.title = words.app;
  const place = element("div", { class: "app" });
  document.body.replaceChildren(place);
  const issuer = await issuerOfPage();
  if (issuer === null) {
    place.append(
      plainPage({
        icon: "warning",
        tone: "bad",
        title: words.trouble.configuration,
        text: words.trouble.configurationText,
        action: { words: words.tryAgain, act: () => location.reload() },
      }).element,
    );
    return;
  }
  const number = phoneNumber();
  const phone = await Phone.open({ number, issuer });
  const announcer = new Announcer();
  announcer.within(document.body);
  const stage = new Stage(place, () => phone.state, announcer);
  const logos = new Logos(issuer);
  const screens = new Screens({ phone, words, number, stage, announcer, logos }, linkedCode);
  phone.addEventListener("change", () => screens.update());
  screens.update();
  setInterval(() => stage.tick(Date.now()), SECOND_MS);
}

void start();
