import { expect, it } from "vitest";
import { describeWithFixtures, fixture, requireFixture } from "../support/fixtures.ts";
import { compareWithReference, referenceCases } from "../support/zoo.ts";

/** What still stands in the way, by model. */
const waiting = new Map<string, string>([
  ["hf-gpt2", "SequenceAt"],
  ["sklearn-logistic-matmul", "outputs besides the chosen one"],
  ["sklearn-mlp-binary", "outputs besides the chosen one"],
  ["sklearn-mlp-multi", "outputs besides the chosen one"],
]);

describeWithFixtures("exports of all kinds agree with float64 references", () => {
  const cases = ["zoo", "frameworks"].flatMap((family) => {
    const folder = fixture(family);
    return folder === undefined ? [] : referenceCases(folder).map((name) => ({ name, family }));
  });

  const ready = cases.filter(({ name }) => !waiting.has(name));
  it.skip.each(cases.filter(({ name }) => waiting.has(name)))("$family: $name", () => {});

  // float32 itself is within 3e-6 on these (float32_floor in case.json); the bounds are what is promised.
  it.each(ready)("$family: $name", async ({ name, family }) => {
    const found = await compareWithReference(requireFixture(`${family}/${name}`));
    expect(found.missing).toEqual([]);
    expect(found.loss).toBeLessThan(1e-5);
    expect(found.gradient).toBeLessThan(1e-4);
    expect(found.product).toBeLessThan(1e-3);
  });
});
