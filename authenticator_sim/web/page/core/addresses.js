// Which addresses the phone talks to: TLS everywhere, plain text on this machine only.

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/**
 * Whether an address is protected by TLS or stays on this machine.
 * @param {string} address
 * @param {"http" | "ws"} plain the kind without TLS
 * @returns {boolean}
 */
export function isProtected(address, plain) {
  if (!URL.canParse(address)) {
    return false;
  }
  const { protocol, hostname, username, password } = new URL(address);
  const isPlainHere = protocol === `${plain}:` && LOOPBACK.test(hostname);
  return (protocol === `${plain}s:` || isPlainHere) && !username && !password;
}
