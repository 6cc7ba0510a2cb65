// The approval sheet: one request from its review to its outcome. What is shown stays that request
// whatever else happens, so that nobody confirms another one under a moving finger.

import { element } from "../../look/dom.js";
import { button, pictureButton } from "../../parts/buttons.js";
import { confirmed, sheet, sheetHeading } from "../../parts/dialogs.js";
import { icon } from "../../parts/icons.js";
import { Ring } from "../../parts/ring.js";
import { focusHeading } from "../../parts/stage.js";
import { PhoneError } from "../../phone.js";
import { wordsIn } from "../../words/language.js";
import { Confirmation } from "./confirmation.js";
import { summary } from "./contents.js";
import { approved, denied, expired, refused, withdrawn } from "./endings.js";
import { asksForMore } from "./factors.js";
import { review } from "./review.js";

/** @typedef {import("../../model.js").State} State */
/** @typedef {import("../../model.js").Outcome} Outcome */
/** @typedef {import("../../model.js").Proofs} Proofs */
/** @typedef {import("../../model.js").DenialReason} DenialReason */
/** @typedef {import("./endings.js").Ending} Ending */

const SAID_AT = [60, 30, 10];

/** The whole sheet is in the language of its request, which is the user's at the bank. */
export class ApprovalSheet {
  /** @type {"review" | "confirm" | "sending" | "over"} */
  #step = "review";
  /** @type {import("../../model.js").Request} */
  #request;
  /** @type {import("../../parts/view.js").Surroundings} */
  #surroundings;
  /** @type {Confirmation | null} */
  #confirmation = null;
  /** @type {string | undefined} */
  #verificationCode;
  /** @type {DenialReason | null} */
  #denial = null;
  #waitsForAnswer = false;
  #unsure = false;
  #said = Number.POSITIVE_INFINITY;
  #head = element("div", { class: "sheet-head" });
  #body = element("div", { class: "sheet-body" });
  #foot = element("div", { class: "sheet-foot" });

  /**
   * @param {import("../../model.js").Request} request
   * @param {import("../../parts/view.js").Surroundings} surroundings
   */
  constructor(request, surroundings) {
    const words = wordsIn(request.locale);
    this.#request = request;
    this.#surroundings = { ...surroundings, words };
    this.ring = new Ring({ from: request.issuedAt, until: request.expiresAt });
    this.element = sheet({ class: "approval", lang: request.locale });
    this.element.append(this.#head, this.#body, this.#foot);
    this.element.addEventListener("cancel", (event) => this.#escape(event));
    if (request.step === "open") {
      this.#review();
      surroundings.phone.shown(request.transactionId);
    } else {
      this.#sending();
    }
  }

  /** @param {State} state */
  update(state) {
    if (this.#step === "over") {
      this.#dismissWithdrawal(state);
      return;
    }
    const current = state.requests.find((each) => this.#is(each.transactionId));
    if (current) {
      this.#request = current;
      this.#follow(current);
    } else if (!this.#waitsForAnswer) {
      this.#gone(state);
    }
  }

  /** @param {number} now milliseconds */
  tick(now) {
    this.ring.tick(now);
    this.#confirmation?.tick(now);
    if (this.#step === "review" || this.#step === "confirm") {
      this.#tellTime(Math.ceil((this.#request.expiresAt - now) / 1000));
    }
  }

  get #words() {
    return this.#surroundings.words;
  }

  /** @param {string} transactionId */
  #is(transactionId) {
    return transactionId === this.#request.transactionId;
  }

  #review() {
    this.#step = "review";
    this.#confirmation = null;
    const { body, foot } = review(
      this.#request,
      {
        approve: (code) => this.#confirm(code),
        deny: () => void this.#deny("declined"),
        notMe: () => void this.#notMe(),
      },
      this.#surroundings,
    );
    const close = pictureButton("cross", this.#words.close, () => this.element.close());
    this.#head.replaceChildren(close, this.ring.element);
    this.#face(this.#request.display.title, body, foot);
  }

  /** @param {string | undefined} code */
  #confirm(code) {
    this.#verificationCode = code;
    if (asksForMore(this.#request)) {
      this.#askForMore();
    } else {
      void this.#approve({});
    }
  }

  #askForMore() {
    this.#step = "confirm";
    const { phone } = this.#surroundings;
    const confirmation = new Confirmation(
      this.#request,
      phone.state.hasPasskey,
      (proofs) => void this.#approve(proofs),
      this.#surroundings,
    );
    this.#confirmation = confirmation;
    const back = pictureButton("back", this.#words.back, () => this.#review());
    this.#head.replaceChildren(back, this.ring.element);
    this.#face(confirmation.title, confirmation.body, []);
    const pausedUntil = this.#request.refusal?.retryAt ?? 0;
    if (pausedUntil > Date.now()) {
      confirmation.pauseUntil(pausedUntil);
    }
    confirmation.tick(Date.now());
    confirmation.focus();
  }

  /** @param {Proofs} proofs */
  async #approve(proofs) {
    const code = this.#verificationCode;
    const all = code === undefined ? proofs : { ...proofs, verificationCode: code };
    this.#denial = null;
    await this.#send((id) => this.#surroundings.phone.approve(id, all));
  }

  /** @param {DenialReason} reason */
  async #deny(reason) {
    this.#denial = reason;
    await this.#send((id) => this.#surroundings.phone.deny(id, reason));
  }

  async #notMe() {
    const { notMeTitle, notMeText, notMeConfirm } = this.#words.request;
    const wanted = await confirmed(this.#surroundings, {
      title: notMeTitle,
      text: notMeText(this.#request.display.client),
      action: notMeConfirm,
      lang: this.#request.locale,
    });
    if (wanted && this.#step === "review") {
      await this.#deny("not_me");
    }
  }

  /** @param {(transactionId: string) => Promise<Outcome>} decide */
  async #send(decide) {
    this.#waitsForAnswer = true;
    this.#sending();
    try {
      this.#conclude(await decide(this.#request.transactionId));
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      this.#mend(error);
    } finally {
      this.#waitsForAnswer = false;
    }
  }

  #sending() {
    this.#step = "sending";
    this.#confirmation = null;
    this.#unsure = this.#request.step === "unsure";
    const { outcome, close } = this.#words;
    const closing = pictureButton("cross", close, () => this.element.close());
    this.#head.replaceChildren(closing);
    const title = this.#denial ? outcome.decidingDeny : outcome.deciding;
    this.#face(
      this.#unsure ? outcome.unsure : title,
      [
        element(
          "div",
          { class: this.#unsure ? "sign plain" : "sign busy" },
          icon(this.#unsure ? "question" : "loop"),
        ),
        element(
          "p",
          { class: "ending-text" },
          this.#unsure ? outcome.unsureText : outcome.decidingText,
        ),
        summary(this.#request, this.#surroundings),
      ],
      this.#unsure ? [button(outcome.backHome, () => this.element.close())] : [],
    );
  }

  /** @param {Outcome} outcome */
  #conclude(outcome) {
    switch (outcome.outcome) {
      case "approved":
        return this.#end(approved(this.#words));
      case "denied":
        return this.#end(denied(this.#words, this.#request, this.#denial));
      case "expired":
        return this.#end(expired(this.#words));
      case "withdrawn":
        return this.#end(withdrawn(this.#words, outcome.reason));
      case "refused":
        return this.#refused(outcome);
    }
  }

  /** @param {import("../../model.js").Refusal} refusal */
  #refused({ reason, attemptsLeft, retryAt }) {
    if (reason !== "factors" && reason !== "paused") {
      return this.#end(refused(this.#words, reason));
    }
    if (attemptsLeft === 0) {
      return this.#end(refused(this.#words, "locked"));
    }
    const { wrong, attemptsLeft: left, lastAttempt } = this.#words.confirm;
    const said = [wrong, ...(attemptsLeft === null ? [] : [left(attemptsLeft)])];
    if (reason === "factors") {
      this.#again([...said, ...(attemptsLeft === 1 ? [lastAttempt] : [])].join(" "));
    } else {
      this.#again("");
    }
    if (retryAt !== null) {
      this.#confirmation?.pauseUntil(retryAt);
    }
  }

  /** @param {PhoneError} error */
  #mend(error) {
    switch (error.code) {
      case "not_open":
        return this.#end(refused(this.#words, "not_open"));
      case "locked":
        return this.#end(refused(this.#words, "locked"));
      default:
        return this.#again(this.#words.errors[error.code]);
    }
  }

  /** @param {string} problem what was wrong; the other device's code is asked for anew, too */
  #again(problem) {
    if (this.#denial || this.#verificationCode !== undefined || !asksForMore(this.#request)) {
      this.#review();
      this.#surroundings.announcer.interrupt(problem);
      this.#body.prepend(element("p", { class: "problem" }, problem));
      return;
    }
    this.#askForMore();
    this.#confirmation?.complain(problem);
  }

  /** @param {import("../../model.js").Request} current */
  #follow(current) {
    if (this.#step !== "sending") {
      return;
    }
    if (current.step === "open" && !this.#waitsForAnswer) {
      current.refusal ? this.#refused(current.refusal) : this.#review();
    } else if ((current.step === "unsure") !== this.#unsure) {
      this.#sending();
    }
  }

  /** @param {State} state */
  #gone(state) {
    const decided = state.history.find((each) => this.#is(each.transactionId));
    if (decided) {
      const ending = decided.verdict === "approved";
      this.#end(
        ending ? approved(this.#words) : denied(this.#words, this.#request, decided.reason),
      );
      return;
    }
    const late = Date.now() >= this.#request.expiresAt ? "expired" : "gone";
    this.#end(withdrawn(this.#words, this.#withdrawal(state)?.reason ?? late));
    this.#dismissWithdrawal(state);
  }

  /** @param {State} state */
  #withdrawal({ notices }) {
    const about = notices.filter((each) => each.type === "request_withdrawn");
    return about.find((each) => this.#is(each.transactionId));
  }

  /**
   * The sheet says it; the overview need not say it again.
   *
   * @param {State} state
   */
  #dismissWithdrawal(state) {
    const notice = this.#withdrawal(state);
    if (notice) {
      this.#surroundings.phone.dismiss(notice.id);
    }
  }

  /** @param {Ending} ending */
  #end({ tone, icon: name, title, text, action }) {
    this.#step = "over";
    this.#confirmation = null;
    this.#head.replaceChildren();
    this.#face(
      title,
      [
        element("div", { class: `sign ${tone}` }, icon(name)),
        element("p", { class: "ending-text" }, text),
        action ? element("p", { class: "ending-text strong" }, action) : null,
        summary(this.#request, this.#surroundings),
      ].filter((part) => part instanceof HTMLElement),
      [button(this.#words.done, () => this.element.close(), { kind: "primary" })],
    );
  }

  /**
   * @param {string} title
   * @param {HTMLElement[]} body
   * @param {HTMLElement[]} foot
   */
  #face(title, body, foot) {
    this.element.dataset.step = this.#step;
    this.#body.replaceChildren(sheetHeading(this.element, title), ...body);
    this.#foot.replaceChildren(...foot);
    this.#body.scrollTo(0, 0);
    if (this.element.isConnected) {
      focusHeading(this.element);
    }
  }

  /** @param {number} seconds */
  #tellTime(seconds) {
    if (seconds <= 0) {
      this.#end(expired(this.#words));
      return;
    }
    const due = SAID_AT.find((each) => seconds <= each && each < this.#said);
    if (due !== undefined) {
      this.#said = Math.min(...SAID_AT.filter((each) => seconds <= each));
      this.#surroundings.announcer.say(this.#words.request.secondsLeft(seconds));
    }
  }

  /** @param {Event} event */
  #escape(event) {
    if (this.#step === "confirm") {
      event.preventDefault();
      this.#review();
    }
  }
}
