// Phones, and clients that ask, go on to ciba-service; whatever else it has, the grant API say, is
// not for the world. In production the reverse proxy in front does this, and hands /token to the
// token endpoint.
import * as http from "node:http";

const PASSED_ON = /^\/(device\/|bc-authorize(?![^/?]))/;

function asked(upstream, { url, method, headers }) {
  return http.request(new URL(upstream).origin, { path: url, method, headers });
}

/** One request, with its answer. */
export function passed_on(request, response, upstream) {
  if (!PASSED_ON.test(request.url)) {
    response.writeHead(404).end();
    return;
  }
  const passed = asked(upstream, request);
  passed.on("response", (answer) => {
    answer.pipe(response.writeHead(answer.statusCode, answer.headers));
  });
  passed.on("error", () =>
    response.headersSent ? response.destroy() : response.writeHead(502).end(),
  );
  response.on("close", () => passed.destroy());
  request.pipe(passed);
}

/** A WebSocket of a phone. */
export function socket_passed_on(request, socket, upstream) {
  socket.on("error", () => socket.destroy()); // without it a phone that is cut off ends the program
  if (!PASSED_ON.test(request.url)) {
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    return;
  }
  const passed = asked(upstream, request);
  passed.on("upgrade", ({ rawHeaders }, far, first) => {
    const pairs = rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `));
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${pairs.join("")}\r\n`);
    socket.write(first); // what came with the answer
    far.pipe(socket).pipe(far);
    for (const [end, other] of [
      [far, socket],
      [socket, far],
    ]) {
      end.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  passed.on("error", () => socket.destroy());
  passed.on("response", () => socket.destroy());
  socket.on("close", () => passed.destroy());
  passed.end();
}
