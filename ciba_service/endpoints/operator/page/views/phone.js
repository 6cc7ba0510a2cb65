// One phone, and its end.

import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { announce } from "../parts/announce.js";
import { datum, identifier } from "../parts/datum.js";
import { distance, instant } from "../parts/instant.js";
import { panel } from "../parts/panel.js";
import { facts } from "../parts/table.js";
import { place } from "../shell/route.js";
import { phoneBadge } from "./phones.js";

/** @typedef {import("../api/documents.js").Phone} Phone */

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {string} name
 * @returns {import("../shell/desk.js").View}
 */
export function phoneView(desk, name) {
  const path = resource("devices", name);
  const { body } = desk.keep({
    load: () => read(path),
    draw,
    seconds: 10,
  });

  /** @param {Phone} phone */
  function draw(phone) {
    return [
      panel(
        "Phone",
        [
          facts([
            ["Name", datum(phone.name)],
            ["State", phoneBadge(phone)],
            ["User", element("a", { href: place("users", phone.sub) }, datum(phone.sub))],
            ["Enrolled", instant(phone.enrolled_at)],
            ["Waits until", phone.waits_until ? distance(phone.waits_until) : null],
            ["Device id", identifier(phone.device_id)],
          ]),
        ],
        desk.button(revokeChange(desk, phone, leave)),
      ),
    ];
  }

  function leave() {
    location.hash = place("phones");
  }

  return { title: "Phone", parent: ["Phones", place("phones")], body: [body] };
}

/**
 * To revoke a phone, or to turn away one that waits.
 *
 * @param {import("../shell/desk.js").Desk} desk
 * @param {Phone} phone
 * @param {() => void} again called when it is gone
 * @returns {import("../shell/desk.js").Change}
 */
export function revokeChange(desk, phone, again) {
  const path = resource("devices", phone.device_id);
  if (phone.waits_until !== undefined) {
    return {
      label: "Turn away",
      title: "Turn this phone away?",
      sentence: [
        datum(phone.name),
        ", which waits for the approval of ",
        datum(phone.sub),
        ", is not enrolled.",
      ],
      verb: "Turn it away",
      danger: true,
      act: async () => {
        await desk.session.write("DELETE", path);
        announce("The phone was turned away.");
        again();
      },
    };
  }
  return {
    label: "Revoke",
    title: "Revoke this phone?",
    sentence: [
      "The keys of ",
      datum(phone.name),
      " are destroyed and its connection is cut; ",
      datum(phone.sub),
      " cannot approve with it any more.",
    ],
    verb: "Revoke the phone",
    danger: true,
    typed: phone.sub,
    act: async () => {
      await desk.session.write("DELETE", path);
      announce("The phone was revoked.");
      again();
    },
  };
}
