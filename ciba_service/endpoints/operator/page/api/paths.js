// Addresses of the operator API; names in them are percent-encoded.

import { Refusal } from "./refusal.js";

/**
 * The address of a resource. A browser would climb at `..`, so that is no name.
 *
 * @param {string} kind
 * @param {...string} names
 * @returns {string}
 */
export function resource(kind, ...names) {
  if (names.some((name) => name === "" || name === "." || name === "..")) {
    throw new Refusal("not_found");
  }
  return ["/operator", kind, ...names.map(encodeURIComponent)].join("/");
}

/**
 * An address with a query; what is empty is left out.
 *
 * @param {string} path
 * @param {Record<string, string | null | undefined>} parameters
 * @returns {string}
 */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value) {
      query.set(name, value);
    }
  }
  return query.size ? `${path}?${query}` : path;
}
