// How much of a report's time is the network: the command's arguments, run in this process with onnxruntime's calls timed.
//   node scripts/bench/report-share.js report MODEL --data … --out DIR      (npm run build first)
import { InferenceSession } from "onnxruntime-node";
import { main } from "../../dist/cli.js";

const spent = { sessions: 0, runs: 0 };

/** Replaces a method by one that adds its time to `spent[name]`. */
function time(owner, method, name) {
  const original = owner[method];
  owner[method] = async function (...args) {
    const start = performance.now();
    try {
      return await original.apply(this, args);
    } finally {
      spent[name] += performance.now() - start;
    }
  };
}

// The class behind InferenceSession is not exported: a loaded session leads to its methods.
time(InferenceSession, "create", "sessions");
const create = InferenceSession.create;
let found = false;
InferenceSession.create = async (...args) => {
  const session = await create(...args);
  if (!found) {
    time(Object.getPrototypeOf(session), "run", "runs");
    time(Object.getPrototypeOf(session), "release", "sessions");
  }
  found = true;
  return session;
};

const started = performance.now();
const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: new AbortController().signal,
};
process.exitCode = await main([...process.argv.slice(2), "--workers", "1"], io);
const all = performance.now() - started;
const share = (ms) => `${(ms / 1000).toFixed(1)} s (${((100 * ms) / all).toFixed(1)} %)`;
const rest = all - spent.sessions - spent.runs;
console.log(
  `all ${share(all)}: runs ${share(spent.runs)}, sessions ${share(spent.sessions)}, rest ${share(rest)}`,
);
