import type { Attributes } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";

/** Texts that are equal where calls or constants are: what the builder merges by. */

export function constantKey(tensor: Tensor): string {
  return `${tensor.type}[${tensor.dims}]${tensor.data.join(",")}${negativeZeros(tensor)}`;
}

export function attributesKey(attributes: Attributes): string {
  if (attributes.size === 0) return "";
  const parts = [...attributes].map(([name, a]) => {
    if (a.kind === "tensor") return `${name}=${constantKey(a.value)}`;
    // Subgraphs are never equal to one another.
    if (a.kind === "graph") return `${name}=graph${subgraphs++}`;
    return `${name}=${a.kind}:${Array.isArray(a.value) ? a.value.join(",") : a.value}`;
  });
  return `{${parts.sort().join(";")}}`;
}

let subgraphs = 0;

/** `join` prints −0 as 0, but 1/x tells them apart. */
function negativeZeros(tensor: Tensor): string {
  if (tensor.type !== "float32" && tensor.type !== "float64") return "";
  const data = tensor.data as Float32Array;
  let found = "";
  for (let i = 0; i < data.length; i++) if (Object.is(data[i], -0)) found += `-${i}`;
  return found;
}
