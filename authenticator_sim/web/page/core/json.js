// JSON from outside, read more strictly than JSON.parse does.
//
// A member that stands twice is refused, for two readers could take different ones (RFC 8259 4), as
// are lone surrogates. An integer is exact, however long; a number with fraction or exponent, which
// the protocol nowhere has, becomes `NO_INTEGER`, so that 1.0 never passes for 1. Objects are maps,
// in the order of their members, so that no name has a meaning of its own.

/** What was read is no JSON, or not the JSON that belongs there. */
export class Malformed extends Error {
  name = "Malformed";
}

/** Stands for a number that is no integer. */
const NO_INTEGER = Symbol("a number that is no integer");

const DEEPEST = 32;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
const WORD = /true|false|null/y;

/**
 * @typedef {string | number | bigint | boolean | null | typeof NO_INTEGER | readonly Json[]
 *   | JsonObject} Json
 */
/** @typedef {ReadonlyMap<string, any>} JsonObject */

/**
 * Read one JSON text; raises `Malformed`.
 * @param {string} text
 * @returns {Json}
 */
export function parseJson(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/**
 * Read UTF-8 bytes; raises `Malformed`.
 * @param {Uint8Array} bytes
 * @returns {Json}
 */
export function parseJsonBytes(bytes) {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed("not UTF-8");
  }
}

class Reader {
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /** @param {number} depth @returns {Json} */
  value(depth) {
    if (depth > DEEPEST) {
      throw new Malformed("nested too deeply");
    }
    this.#take(SPACE);
    const first = this.text[this.#at];
    if (first === "{") {
      return this.#object(depth);
    }
    if (first === "[") {
      return this.#list(depth);
    }
    return this.#scalar(first);
  }

  /** Only space may follow. */
  end() {
    this.#take(SPACE);
    if (this.#at !== this.text.length) {
      throw new Malformed("more than one value");
    }
  }

  /** @param {string | undefined} first @returns {Json} */
  #scalar(first) {
    if (first === '"') {
      return this.#string();
    }
    if (first === "t" || first === "f" || first === "n") {
      return JSON.parse(this.#need(WORD)[0]);
    }
    const [digits, rest] = this.#need(NUMBER);
    if (rest) {
      return NO_INTEGER;
    }
    const exact = BigInt(digits);
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact;
  }

  #string() {
    const value = unquoted(this.#need(STRING)[0]);
    if (!value.isWellFormed()) {
      throw new Malformed("half a character");
    }
    return value;
  }

  /** @param {number} depth */
  #object(depth) {
    /** @type {Map<string, Json>} */
    const members = new Map();
    this.#each("}", () => {
      this.#take(SPACE);
      const name = this.#string();
      this.#symbol(":");
      if (members.has(name)) {
        throw new Malformed("a member that stands twice");
      }
      members.set(name, this.value(depth + 1));
    });
    return members;
  }

  /** @param {number} depth */
  #list(depth) {
    /** @type {Json[]} */
    const items = [];
    this.#each("]", () => items.push(this.value(depth + 1)));
    return items;
  }

  /** @param {string} closing @param {() => void} readItem */
  #each(closing, readItem) {
    this.#at += 1;
    this.#take(SPACE);
    if (this.text[this.#at] === closing) {
      this.#at += 1;
      return;
    }
    do {
      readItem();
      this.#take(SPACE);
    } while (this.text[this.#at++] === ",");
    if (this.text[this.#at - 1] !== closing) {
      throw new Malformed("no end");
    }
  }

  /** @param {string} expected */
  #symbol(expected) {
    this.#take(SPACE);
    if (this.text[this.#at++] !== expected) {
      throw new Malformed(`no ${expected}`);
    }
  }

  /** @param {RegExp} pattern @returns {[string, string]} all of it, and its named rest */
  #need(pattern) {
    const found = this.#take(pattern);
    if (!found?.[0]) {
      throw new Malformed("no value");
    }
    return [found[0], found.groups?.rest ?? ""];
  }

  /** @param {RegExp} pattern */
  #take(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found) {
      this.#at = pattern.lastIndex;
    }
    return found;
  }
}

/** @param {string} literal @returns {string} */
function unquoted(literal) {
  try {
    return JSON.parse(literal);
  } catch {
    throw new Malformed("a control character or an unknown escape");
  }
}
