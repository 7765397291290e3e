import type { Call } from "./graph.ts";
import { Problem } from "./invalid-model.ts";
import { float32Tensor, int64Tensor, type Tensor } from "./tensor.ts";

/**
 * What a Constant node holds; undefined for other operators, and inside a function while the value is
 * still the caller's to give.
 */
export function constantTensor(call: Call, describe: () => string): Tensor | undefined {
  if (call.op !== "Constant" || call.domain !== "") return undefined;
  if (call.numOutputs !== 1) throw new Problem(`${describe()} has ${call.numOutputs} outputs; expected 1`);
  for (const [name, attribute] of call.attributes) {
    const key = `${name}:${attribute.kind}`;
    const { value } = attribute;
    if (attribute.kind === "reference") return undefined;
    if (key === "value:tensor") return value as Tensor;
    if (key === "value_float:float") return float32Tensor([], [value as number]);
    if (key === "value_int:int") return int64Tensor([], [value as number]);
    if (key === "value_string:string") return strings([], [value as string]);
    if (key === "value_floats:floats") return vector(value as number[], float32Tensor);
    if (key === "value_ints:ints") return vector(value as number[], int64Tensor);
    if (key === "value_strings:strings") return vector(value as string[], strings);
  }
  throw new Problem(
    `${describe()} has no value; expected one of the attributes value, value_float, value_int …`,
  );
}

function vector<T>(values: readonly T[], make: (dims: number[], values: readonly T[]) => Tensor): Tensor {
  return make([values.length], values);
}

function strings(dims: readonly number[], data: readonly string[]): Tensor {
  return { type: "string", dims, data };
}
