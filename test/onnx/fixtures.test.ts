import { readdirSync } from "node:fs";
import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { decodeModel, encodeModel, readModel, toOpset18 } from "../../src/onnx/index.ts";
import { describeWithFixtures, fixture, requireFixture } from "../support/fixtures.ts";

const root = fixture("");
const files =
  root === undefined
    ? []
    : readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".onnx"))
        .sort();

/** Training graphs and optimizers, whose operators the stock runtime lacks. */
const isTraining = (name: string): boolean => /training_model|optimizer|adamw/.test(name);

describeWithFixtures("real files", () => {
  test("there are some of each kind", () => {
    expect(files.length).toBeGreaterThan(80);
    expect(files.filter(isTraining).length).toBeGreaterThan(8);
  });

  test.each(files)("%s is read, written and read again", async (name) => {
    const { model } = await readModel(requireFixture(name));
    const options = { opset: model.opset.get("") ?? 18, domains: model.opset, irVersion: model.irVersion };
    const bytes = encodeModel(model.graph, options);
    const again = decodeModel(bytes);
    expect(again.irVersion).toBe(model.irVersion);
    // Not toEqual, which takes seconds on a megabyte.
    expect(Buffer.compare(encodeModel(again.graph, options), bytes)).toBe(0);
    expect(again.graph.nodes.length).toBe(model.graph.nodes.length);
    if (isTraining(name)) return;
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    await session.release();
  });

  test.each(files.filter((name) => !isTraining(name)))("%s loads as opset 18", async (name) => {
    const { model } = await readModel(requireFixture(name));
    const { graph } = toOpset18(model);
    // Operators newer than opset 18, which other records expand.
    if (graph.nodes.some((n) => n.op === "Gelu" && n.domain === "")) return;
    const session = await InferenceSession.create(encodeModel(graph, { domains: model.opset }), {
      logSeverityLevel: 4,
    });
    await session.release();
  });
});
