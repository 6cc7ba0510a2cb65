// Where somebody is: `#/users/alice?locked=true`. What stands in an address is shown, never done.

/** @typedef {{ view: string, names: string[], query: URLSearchParams }} Route */

/**
 * Take the fragment of an address apart; one that makes no sense is the overview.
 *
 * @param {string} hash
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...names] = path.split("/").filter((each) => each !== "");
  try {
    return {
      view: view || "overview",
      names: names.map(decodeURIComponent),
      query: new URLSearchParams(query),
    };
  } catch {
    return { view: "overview", names: [], query: new URLSearchParams() };
  }
}

/**
 * The address of a view.
 *
 * @param {string} view
 * @param {...string} names
 * @returns {string}
 */
export function place(view, ...names) {
  return ["#", view, ...names.map(encodeURIComponent)].join("/");
}
