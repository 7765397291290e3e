import { expect, it } from "vitest";
import { describeWithFixtures, fixture, requireFixture } from "../support/fixtures.ts";
import { compareWithReference, referenceCases } from "../support/zoo.ts";

describeWithFixtures("exports of all kinds agree with float64 references", () => {
  const cases = ["zoo", "frameworks"].flatMap((family) => {
    const folder = fixture(family);
    return folder === undefined ? [] : referenceCases(folder).map((name) => ({ name, family }));
  });

  // float32 itself is within 3e-6 on these (float32_floor in case.json); the bounds are what is promised.
  it.each(cases)("$family: $name", async ({ name, family }) => {
    const found = await compareWithReference(requireFixture(`${family}/${name}`));
    expect({ missing: found.missing, extra: found.extra }).toEqual({ missing: [], extra: [] });
    expect(found.loss).toBeLessThan(1e-5);
    expect(found.gradient).toBeLessThan(1e-4);
    expect(found.product).toBeLessThan(1e-3);
  });
});
