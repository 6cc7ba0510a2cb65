// Server-sent events, read by hand: an EventSource does not say why it was refused.

import { Refusal } from "./refusal.js";
import { send } from "./requests.js";

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
const OVER = new Refusal("over");
const FINAL = new Set(["unauthenticated", "not_found"]);

/**
 * @typedef {{ name: string, data: any, number: string }} StreamedEvent
 * @typedef {{ event: (event: StreamedEvent) => void, connected: (is: boolean) => void,
 *   refused: (refusal: Refusal) => void }} Listener
 */

/**
 * Follow a stream until the signal, or until it is over; it is opened again whenever it ends, after
 * the last event that came.
 *
 * @param {string} path
 * @param {Listener} listener
 * @param {AbortSignal} signal
 */
export async function followEvents(path, listener, signal) {
  const place = { last: "" };
  let pause = PAUSE_MS;
  while (!signal.aborted) {
    const refusal = await followOnce(path, place, listener, signal);
    if (refusal === OVER || signal.aborted) {
      return;
    }
    pause = refusal === null ? PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
    if (refusal !== null) {
      listener.connected(false);
      listener.refused(refusal);
      if (FINAL.has(refusal.code)) {
        return;
      }
    }
    await waited(pause, signal);
  }
}

/**
 * @param {string} path
 * @param {{ last: string }} place after which to go on
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {Promise<Refusal | null>} null when the stream ended as streams do
 */
async function followOnce(path, place, listener, signal) {
  try {
    const body = await opened(path, place.last, signal);
    if (body === null) {
      return OVER;
    }
    listener.connected(true);
    for await (const event of eventsOf(body)) {
      place.last = event.number || place.last;
      listener.event(event);
    }
    return null;
  } catch (error) {
    return error instanceof Refusal ? error : new Refusal("offline");
  }
}

/**
 * @param {string} path
 * @param {string} last
 * @param {AbortSignal} signal
 * @returns {Promise<ReadableStream<Uint8Array> | null>} null when nothing more will happen
 */
async function opened(path, last, signal) {
  /** @type {Record<string, string>} */
  const headers = { accept: "text/event-stream" };
  if (last) {
    headers["last-event-id"] = last;
  }
  const answer = await send(path, { headers, signal });
  return answer.status === 204 ? null : answer.body;
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<StreamedEvent>}
 */
async function* eventsOf(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== null) {
        yield event;
      }
    }
  }
}

/**
 * Take an event apart; a comment is none.
 *
 * @param {string} block
 * @returns {StreamedEvent | null}
 */
export function parseEvent(block) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) {
      fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
    }
  }
  if (fields.event === undefined || fields.data === undefined) {
    return null;
  }
  return { name: fields.event, data: JSON.parse(fields.data), number: fields.id ?? "" };
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function waited(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
