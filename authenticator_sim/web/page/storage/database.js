// One IndexedDB database a phone: names and values, and each change of them whole or not at all.

import { PhoneError } from "../errors.js";

const STORE = "kept";
const VERSION = 1;

/**
 * Open it, and make it where there is none; raises `PhoneError` (`storage`).
 * @param {string} name
 * @returns {Promise<Database>}
 */
export async function openDatabase(name) {
  try {
    const opening = indexedDB.open(name, VERSION);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    return new Database(await answer(opening));
  } catch (error) {
    throw new PhoneError("storage", { cause: error });
  }
}

/**
 * Delete one, and whatever is in it; raises `PhoneError` (`storage`).
 * @param {string} name
 * @returns {Promise<void>}
 */
export async function deleteDatabase(name) {
  try {
    await answer(indexedDB.deleteDatabase(name));
  } catch (error) {
    throw new PhoneError("storage", { cause: error });
  }
}

export class Database {
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  /**
   * What is kept under a name; raises `PhoneError` (`storage`), as all here do.
   * @param {string} name
   * @returns {Promise<any>}
   */
  read(name) {
    return this.#whole("readonly", (store) => answer(store.get(name)));
  }

  /** All that is kept, by name. @returns {Promise<Readonly<Record<string, any>>>} */
  readAll() {
    return this.#whole("readonly", async (store) => {
      const [names, values] = await Promise.all([
        answer(store.getAllKeys()),
        answer(store.getAll()),
      ]);
      return Object.fromEntries(names.map((name, at) => [String(name), values[at]]));
    });
  }

  /** @param {Readonly<Record<string, unknown>>} values by name @returns {Promise<void>} */
  write(values) {
    return this.#whole("readwrite", async (store) => {
      for (const [name, value] of Object.entries(values)) {
        store.put(value, name);
      }
    });
  }

  /**
   * Put a number in place of a smaller one; false, and nothing done, where none smaller is there.
   * @param {string} name
   * @param {number} value
   * @returns {Promise<boolean>}
   */
  raise(name, value) {
    return this.#whole("readwrite", async (store) => {
      const before = await answer(store.get(name));
      const isHigher = before === undefined || before < value;
      if (isHigher) {
        store.put(value, name);
      }
      return isHigher;
    });
  }

  /**
   * Keep these values and nothing else.
   * @param {Readonly<Record<string, unknown>>} values
   * @returns {Promise<void>}
   */
  replace(values) {
    return this.#whole("readwrite", async (store) => {
      store.clear();
      for (const [name, value] of Object.entries(values)) {
        store.put(value, name);
      }
    });
  }

  close() {
    this.#database.close();
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #whole(mode, work) {
    try {
      const transaction = this.#database.transaction(STORE, mode, { durability: "strict" });
      const [result] = await Promise.all([
        work(transaction.objectStore(STORE)),
        completed(transaction),
      ]);
      return result;
    } catch (error) {
      throw new PhoneError("storage", { cause: error });
    }
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
