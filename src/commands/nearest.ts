/** Optimal string alignment distance: insertions, deletions, substitutions and swapped neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        d = Math.min(d, beforeLast[j - 2]! + 1);
      }
      row.push(d);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** The candidate that `word` was probably meant to be; undefined if none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the word wrong is about where a suggestion stops being one.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = candidate.startsWith(word) && word.length >= 3 ? 1 : editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Names that other tools (loss-landscapes, PyHessian, hessian-eigenthings, polygraphy …) give our options. */
const synonyms: Readonly<Record<string, string>> = {
  dataset: "data",
  "train-data": "data",
  train: "data",
  inputs: "data",
  test: "test-data",
  val: "test-data",
  validation: "test-data",
  labels: "target",
  "batch-size": "batch",
  "mini-hessian-batch-size": "batch",
  "num-samples": "samples",
  "n-samples": "samples",
  limit: "samples",
  criterion: "loss",
  "loss-fn": "loss",
  objective: "loss",
  mean: "normalize",
  std: "normalize",
  normalise: "normalize",
  cuda: "device",
  gpu: "device",
  ngpu: "device",
  provider: "device",
  "execution-provider": "device",
  jobs: "workers",
  "num-workers": "workers",
  processes: "workers",
  output: "out",
  o: "out",
  "output-dir": "out",
  "out-dir": "out",
  format: "json",
  verbose: "debug",
  silent: "quiet",
  "random-seed": "seed",
  "num-eigenthings": "top",
  "top-n": "top",
  k: "top",
  "max-iter": "max-products",
  "max-iters": "max-products",
  "power-iter-steps": "max-products",
  "max-steps": "max-products",
  tolerance: "tol",
  tol: "tolerance",
  "n-vec": "probes",
  "num-probes": "probes",
  x: "range-x",
  y: "range-y",
  steps: "range-x",
  grid: "range-x",
  xnum: "range-x",
  "dir-type": "directions",
  xignore: "freeze",
  parameters: "params",
  trainable: "params",
  vec: "vector",
  v: "vector",
};

/** What an unknown option name most likely means, among the options that there are. */
export function suggestOption(name: string, options: readonly string[]): string | undefined {
  const meant = synonyms[name];
  if (meant !== undefined && options.includes(meant)) return meant;
  return nearest(name, options);
}
