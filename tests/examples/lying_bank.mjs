// What comes between a program and its bank: of the token answer, LIE is another than it was.
import process from "node:process";

const truthfully = globalThis.fetch;
const LIES = {
  signature: ({ id_token, ...rest }) => ({ ...rest, id_token: `${id_token.slice(0, -4)}AAAA` }),
  algorithm: ({ id_token, ...rest }) => {
    const header = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    return { ...rest, id_token: `${header}.${id_token.split(".")[1]}.` };
  },
  payment: ({ authorization_details: [payment], ...rest }) => {
    const instructedAmount = { currency: "EUR", amount: "1250.00" };
    return { ...rest, authorization_details: [{ ...payment, instructedAmount }] };
  },
};

globalThis.fetch = async (url, options) => {
  const answer = await truthfully(url, options);
  if (answer.status !== 200 || !String(url).endsWith("/token")) {
    return answer;
  }
  return Response.json(LIES[process.env.LIE](await answer.json()), { headers: answer.headers });
};
