import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { parseToy } from "../../src/model/toy-address.ts";

test("a toy's n and ñ are read from its address", () => {
  expect(parseToy("toy:T1")).toEqual({ n: 500, tilde: 500 });
  expect(parseToy("toy:T1,n=50")).toEqual({ n: 50, tilde: 50 });
  expect(parseToy("toy:T2")).toEqual({ n: 500, tilde: 800 });
  expect(parseToy("toy:T2,tilde=510")).toEqual({ n: 500, tilde: 510 });
  expect(parseToy("toy:T2,n=5,tilde=9")).toEqual({ n: 5, tilde: 9 });
});

test.each([
  ["toy:T3", /there is no toy "T3"/],
  ["toy:", /there is no toy ""/],
  ["toy:T1,n=0", /n must be from 1 to 1000000/],
  ["toy:T1,n=999999999", /n must be from 1 to 1000000/],
  ["toy:T1,n=-3", /"n=-3" is not understood/],
  ["toy:T1,tilde=3", /T1 has no ñ/],
  ["toy:T2,n=5,tilde=10", /ñ must be from 1 to 2n − 1 = 9/],
  ["toy:T2,n=5,n=6", /given twice/],
])("%s is refused", (address, message) => {
  expect(() => parseToy(address)).toThrow(message);
});

test("a toy has one parameter, at its critical point, and takes no data", async () => {
  const { inputs, parameters, theta } = await loadCheckpoint("toy:T2,n=3,tilde=4");
  expect(inputs).toEqual([]);
  expect(parameters.map((p) => [p.name, p.size])).toEqual([["theta", 7]]);
  expect([...theta]).toEqual([0, 0, 0, 0, 0, 0, 1]);
});
