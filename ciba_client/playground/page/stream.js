// Everything that changes, as server-sent events; read with fetch, since an EventSource can send no
// header. When the stream breaks off it is begun anew, and tells everything again.

import { ask, Refused } from "./session.js";

/**
 * @typedef {(name: string, data: any) => void} Listener
 * @typedef {"live" | "lost" | "refused"} Connection
 */

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/**
 * Listen for good; ends only when the session is refused.
 *
 * @param {Listener} listener
 * @param {(connection: Connection, text: string) => void} connected
 */
export async function follow(listener, connected) {
  let pause = FIRST_PAUSE;
  for (;;) {
    try {
      const answer = await ask("/api/stream");
      connected("live", "Live");
      pause = FIRST_PAUSE;
      await readEvents(answer, listener);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        connected("refused", error.message);
        return;
      }
    }
    connected("lost", "Not connected");
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/**
 * @param {Response} answer
 * @param {Listener} listener
 */
async function readEvents(answer, listener) {
  if (answer.body === null) {
    return;
  }
  let unread = "";
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const groups = (unread + text).split("\n\n");
    unread = groups.pop() ?? "";
    for (const group of groups) {
      tell(group, listener);
    }
  }
}

/**
 * @param {string} group
 * @param {Listener} listener
 */
function tell(group, listener) {
  const [name, data] = group.split("\n");
  if (name?.startsWith("event: ") && data?.startsWith("data: ")) {
    listener(name.slice(7), JSON.parse(data.slice(6)));
  }
}
