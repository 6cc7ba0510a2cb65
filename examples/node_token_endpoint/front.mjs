// What is no endpoint of ours goes on to ciba-service: phones, and clients that ask. In production
// the reverse proxy in front does this, and hands /token to the token endpoint.
import * as http from "node:http";

function asked(upstream, { url, method, headers }) {
  return http.request(new URL(upstream).origin, { path: url, method, headers });
}

/** One request, with its answer. */
export function passed_on(request, response, upstream) {
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
  passed.end();
}
