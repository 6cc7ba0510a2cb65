// How far the chains of evidence go, and what waits to be written.

import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { identifier } from "../parts/datum.js";
import { nothing, panel } from "../parts/panel.js";
import { facts, table } from "../parts/table.js";

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @returns {import("../shell/desk.js").View}
 */
export function evidenceView(desk) {
  const { body } = desk.keep({
    load: () => read(resource("evidence")),
    draw,
    seconds: 5,
  });
  return { title: "Evidence", body: [body] };
}

/** @param {import("../api/documents.js").Evidence} evidence */
function draw({ enabled, waiting, heads }) {
  const records = heads.reduce((sum, head) => sum + head.number, 0);
  const chains = heads.length
    ? table(
        "Chains of evidence",
        [
          { title: "Partition", cell: (each) => each.partition },
          { title: "Records", end: true, cell: (each) => each.number },
          { title: "Hash of the last record", cell: (each) => identifier(each.hash) },
        ],
        heads,
      )
    : nothing("No decision has been written down yet.");
  return [
    panel("State", [
      facts([
        ["Evidence", enabled ? badge("kept", "good") : badge("off", "warn")],
        ["Records in chains", records],
        ["Waiting to be written", waiting],
        ["Chains begun", `${heads.length} of 256`],
      ]),
      element(
        "p",
        { class: "muted small-text" },
        element("code", {}, "ciba-service evidence verify"),
        " compares the files with these chains.",
      ),
    ]),
    panel("Chains", [chains]),
  ];
}
