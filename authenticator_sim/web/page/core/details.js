// Whether authorization details are on display as they are: every value, and nothing besides.
//
// The phone does not know their types; it compares what tokens would state with what is shown.

/** @typedef {import("./challenges.js").ShownDetail} ShownDetail */
/** @typedef {import("./challenges.js").ShownLine} ShownLine */
/** @typedef {import("./json.js").JsonObject} JsonObject */

/**
 * Whether each detail is on display, in the same order, with a text for every value of it.
 * @param {readonly JsonObject[]} details
 * @param {readonly ShownDetail[]} shown
 * @returns {boolean}
 */
export function areShown(details, shown) {
  return (
    details.length === shown.length &&
    details.every((detail, at) => {
      const entry = shown[at];
      return entry !== undefined && isShown(detail, entry);
    })
  );
}

/** @param {JsonObject} detail @param {ShownDetail} shown */
function isShown(detail, shown) {
  const lines = new Map(shown.lines.map((line) => [line.member, line]));
  if (lines.size < shown.lines.length || !shown.lines.every(isLegible)) {
    return false;
  }
  /** @type {Map<string, (string | null)[]>} */
  const values = new Map(shown.lines.map((line) => [line.member, []]));
  for (const { path, value } of valuesOf(detail, [])) {
    if (path !== "type") {
      values.set(path, [...(values.get(path) ?? []), value]);
    }
  }
  return [...values].every(([path, found]) => {
    const line = lines.get(path);
    return line !== undefined && says(line, found);
  });
}

/** @param {ShownLine} line */
function isLegible(line) {
  return line.label !== "" && line.texts.length > 0 && !line.texts.includes("");
}

/** @param {ShownLine} line @param {readonly (string | null)[]} values */
function says(line, values) {
  if (values.includes(null)) {
    return false;
  }
  if (line.worded) {
    // The service's words: for each value, or one text on what is not there.
    return line.texts.length === Math.max(1, values.length);
  }
  return (
    line.texts.length === values.length &&
    line.texts.every((text, at) => letters(text) === letters(values[at] ?? ""))
  );
}

/** @param {string} text */
function letters(text) {
  return text.replaceAll(" ", "");
}

/**
 * Every value with its path; null for a value that no text can stand for.
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {Generator<{path: string, value: string | null}>}
 */
function* valuesOf(value, path) {
  if (value instanceof Map && value.size > 0) {
    for (const [name, inner] of value) {
      yield* valuesOf(inner, [...path, name]);
    }
  } else if (Array.isArray(value) && value.length > 0) {
    for (const inner of value) {
      yield* valuesOf(inner, path);
    }
  } else {
    yield { path: path.join("."), value: stated(value) };
  }
}

/** @param {unknown} value */
function stated(value) {
  return ["string", "number", "bigint", "boolean"].includes(typeof value) ? String(value) : null;
}
