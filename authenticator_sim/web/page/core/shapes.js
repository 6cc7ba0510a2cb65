// What JSON must look like to be taken: readers that return a typed value or raise `Malformed`.

import { Malformed } from "./json.js";

/**
 * @template T
 * @typedef {(value: unknown) => T} Shape
 */

/**
 * A member that may be left out: what it is then.
 * @template T
 * @typedef {{shape: Shape<T>, otherwise: T}} Optional
 */

/** @type {Shape<string>} */
export function text(value) {
  return typeof value === "string" ? value : refuse("text");
}

/** An integer that is exact in JavaScript. @type {Shape<number>} */
export function integer(value) {
  return typeof value === "number" ? value : refuse("an integer");
}

/** Seconds before the year 10000. @type {Shape<number>} */
export function moment(value) {
  const seconds = integer(value);
  return seconds >= 0 && seconds < 253_402_300_800 ? seconds : refuse("a moment");
}

/** @type {Shape<boolean>} */
export function flag(value) {
  return typeof value === "boolean" ? value : refuse("true or false");
}

/** Any object, its members unread. @type {Shape<import("./json.js").JsonObject>} */
export function anyObject(value) {
  return value instanceof Map ? value : refuse("an object");
}

/** Anything at all. @type {Shape<unknown>} */
export function anything(value) {
  return value;
}

/**
 * Text of one of these words.
 * @template {string} Word
 * @param {...Word} words
 * @returns {Shape<Word>}
 */
export function oneOf(...words) {
  return (value) => words.find((word) => word === value) ?? refuse("a known word");
}

/**
 * Text that a pattern describes whole.
 * @param {RegExp} pattern
 * @returns {Shape<string>}
 */
export function matching(pattern) {
  return (value) => (pattern.test(text(value)) ? text(value) : refuse(String(pattern)));
}

/**
 * @template T
 * @param {Shape<T>} item
 * @returns {Shape<readonly T[]>}
 */
export function listOf(item) {
  return (value) => (Array.isArray(value) ? value.map(item) : refuse("a list"));
}

/**
 * An object of texts.
 * @type {Shape<Readonly<Record<string, string>>>}
 */
export function texts(value) {
  return Object.fromEntries([...anyObject(value)].map(([name, each]) => [name, text(each)]));
}

/**
 * A member that is null when it is left out.
 * @template T
 * @param {Shape<T>} shape
 * @returns {Optional<T | null>}
 */
export function orNull(shape) {
  return { shape: (value) => (value === null ? null : shape(value)), otherwise: null };
}

/**
 * A member with a value for when it is left out.
 * @template T
 * @param {Shape<T>} shape
 * @param {T} otherwise
 * @returns {Optional<T>}
 */
export function orElse(shape, otherwise) {
  return { shape, otherwise };
}

/**
 * @template {Record<string, Shape<any> | Optional<any>>} Members
 * @typedef {{[Name in keyof Members]: Members[Name] extends Optional<infer T> ? T
 *   : Members[Name] extends Shape<infer U> ? U : never}} Value
 */

/**
 * An object with these members; others are passed over.
 * @template {Record<string, Shape<any> | Optional<any>>} Members
 * @param {Members} members
 * @returns {Shape<Value<Members>>}
 */
export function object(members) {
  return (value) => {
    const given = anyObject(value);
    const entries = Object.entries(members).map(([name, member]) => [
      name,
      readMember(given, name, member),
    ]);
    return Object.fromEntries(entries);
  };
}

/**
 * An object with these members and no other.
 * @template {Record<string, Shape<any> | Optional<any>>} Members
 * @param {Members} members
 * @returns {Shape<Value<Members>>}
 */
export function closedObject(members) {
  const read = object(members);
  return (value) => {
    for (const name of anyObject(value).keys()) {
      if (!Object.hasOwn(members, name)) {
        refuse("known members only");
      }
    }
    return read(value);
  };
}

/**
 * @param {import("./json.js").JsonObject} given
 * @param {string} name
 * @param {Shape<any> | Optional<any>} member
 */
function readMember(given, name, member) {
  if (typeof member === "function") {
    return given.has(name) ? member(given.get(name)) : refuse(`the member ${name}`);
  }
  return given.has(name) ? member.shape(given.get(name)) : member.otherwise;
}

/** @param {string} expected @returns {never} */
function refuse(expected) {
  throw new Malformed(`not ${expected}`);
}
