// What makes a program impatient: it tells how long it should wait, and waits next to nothing.

import { syncBuiltinESMExports } from "node:module";
import process from "node:process";
import timers from "node:timers/promises";

const patiently = timers.setTimeout;
timers.setTimeout = (milliseconds, ...more) => {
  process.stdout.write(`waits ${milliseconds / 1000}\n`);
  return patiently(20, ...more);
};
syncBuiltinESMExports();
