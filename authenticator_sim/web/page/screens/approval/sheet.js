// The approval sheet: one request from its review to its outcome. What is shown stays that request
// whatever else happens, so that nobody confirms another one under a moving finger.

import { element } from "../../look/dom.js";
import { button, pictureButton } from "../../parts/buttons.js";
import { confirmed } from "../../parts/dialogs.js";
import { Faces } from "../../parts/faces.js";
import { late } from "../../parts/late.js";
import { Ring } from "../../parts/ring.js";
import { PhoneError } from "../../phone.js";
import { wrongAttempt } from "../../words/attempts.js";
import { wordsIn } from "../../words/language.js";
import { reported } from "../home/late-report.js";
import { Confirmation } from "./confirmation.js";
import { denied, endingOf, endingOfAbsence, endingOfRefusal, endOf } from "./endings.js";
import { endingFace, sendingFace } from "./faces.js";
import { asksForMore } from "./factors.js";
import { review } from "./review.js";
import { TimeCalls } from "./time-calls.js";

/** @typedef {import("../../model.js").State} State */
/** @typedef {import("../../model.js").Outcome} Outcome */
/** @typedef {import("../../model.js").Proofs} Proofs */
/** @typedef {import("../../model.js").DenialReason} DenialReason */
/** @typedef {import("./endings.js").Ending} Ending */

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
  #calls = new TimeCalls();
  /** @type {Faces} */
  #faces;

  /**
   * @param {import("../../model.js").Request} request
   * @param {import("../../parts/view.js").Surroundings} surroundings
   */
  constructor(request, surroundings) {
    const words = wordsIn(request.locale);
    this.#request = request;
    this.#surroundings = { ...surroundings, words };
    this.ring = new Ring({ from: request.issuedAt, until: request.expiresAt });
    this.#faces = new Faces({ class: "approval", lang: request.locale });
    this.element = this.#faces.dialog;
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
      this.#dismissEnd(state);
      return;
    }
    const current = state.requests.find((each) => this.#is(each.transactionId));
    if (current) {
      this.#request = current;
      this.#follow(current);
    } else if (!this.#waitsForAnswer) {
      this.#end(endingOfAbsence(state, this.#request, this.#words));
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

  /** @param {string} [problem] what was wrong the last time */
  #review(problem = "") {
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
    const said = element("p", { class: "problem" }, problem);
    const { title } = this.#request.display;
    this.#show({ title, head: [close, this.ring.element], body: [said, ...body], foot });
    this.#surroundings.announcer.interrupt(problem);
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
    const { title, body } = confirmation;
    this.#show({ title, head: [back, this.ring.element], body, foot: [] });
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
    } else if (wanted) {
      await this.#reportEnded();
    }
  }

  /** The request has ended while the user was asked back: that it was not them counts still. */
  async #reportEnded() {
    const { transactionId, locale } = this.#request;
    const { phone } = this.#surroundings;
    const over = { transactionId, lang: locale };
    if (
      phone.state.reportable.includes(transactionId) &&
      (await reported(over, this.#surroundings))
    ) {
      this.#end(denied(this.#words, this.#request, "not_me"));
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
    const away = () => this.element.close();
    const verdict = this.#denial ? "deny" : "approve";
    this.#show({
      ...sendingFace(this.#request, verdict, this.#surroundings),
      head: [pictureButton("cross", close, away)],
      foot: this.#unsure ? [button(outcome.backHome, away)] : [],
    });
  }

  /** @param {Outcome} outcome */
  #conclude(outcome) {
    const ending = endingOf(outcome, this.#request, this.#denial, this.#words);
    if (ending) {
      this.#end(ending);
    } else if (outcome.outcome === "refused") {
      this.#refused(outcome);
    }
  }

  /** @param {import("../../model.js").Refusal} refusal one after which it may be tried again */
  #refused({ reason, attemptsLeft, retryAt }) {
    this.#again(reason === "factors" ? wrongAttempt(attemptsLeft, this.#words) : "");
    if (retryAt !== null) {
      this.#confirmation?.pauseUntil(retryAt);
    }
  }

  /** @param {PhoneError} error */
  #mend({ code }) {
    const known = code === "not_open" || code === "locked" ? code : null;
    const ending = known && endingOfRefusal({ reason: known, attemptsLeft: null }, this.#words);
    if (ending) {
      this.#end(ending);
    } else {
      this.#again(this.#words.errors[code]);
    }
  }

  /** @param {string} problem what was wrong; the other device's code is asked for anew, too */
  #again(problem) {
    if (this.#denial || this.#verificationCode !== undefined || !asksForMore(this.#request)) {
      this.#review(problem);
    } else {
      this.#askForMore();
      this.#confirmation?.complain(problem);
    }
  }

  /** @param {import("../../model.js").Request} current */
  #follow(current) {
    if (this.#step !== "sending") {
      return;
    }
    if (current.step === "open" && !this.#waitsForAnswer) {
      current.refusal ? this.#conclude({ outcome: "refused", ...current.refusal }) : this.#review();
    } else if ((current.step === "unsure") !== this.#unsure) {
      this.#sending();
    }
  }

  /**
   * The sheet says it; the overview need not say it again, unless "not me" can be said there still.
   * Nobody reads one that was closed.
   *
   * @param {State} state
   */
  #dismissEnd(state) {
    const { transactionId } = this.#request;
    const notice = endOf(state, transactionId);
    if (notice && this.element.open && !state.reportable.includes(transactionId)) {
      this.#surroundings.phone.dismiss(notice.id);
    }
  }

  /** @param {Ending} ending */
  #end(ending) {
    const isUnderFinger = this.#step !== "sending";
    this.#step = "over";
    this.#confirmation = null;
    const done = button(this.#words.done, () => this.element.close(), { kind: "primary" });
    if (isUnderFinger) {
      late(done);
    }
    const face = endingFace(this.#request, ending, this.#surroundings);
    this.#show({ ...face, head: [], foot: [done] });
    this.#dismissEnd(this.#surroundings.phone.state);
  }

  /** @param {Omit<import("../../parts/faces.js").Face, "step">} face */
  #show(face) {
    this.#faces.show({ ...face, step: this.#step });
  }

  /** @param {number} seconds */
  #tellTime(seconds) {
    // That it is over, the phone says: this browser's clock may just have been set.
    if (seconds > 0 && this.#calls.isDue(seconds)) {
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
