/** What the names of values tell. */

/** A path as modules have it: layer1.0.weight, model/dense/kernel. */
export function isStatePath(name: string): boolean {
  return /[a-z_]\w*[./]\w/i.test(name) && !hasGeneratedName(name);
}

/** Names that PyTorch's graphs give to tensors filled on the way. */
const FILLED_NAMES = /^(zeros|ones|full|empty|arange|eye|_tensor_constant|lift_fresh_copy)(_like)?_?\d*$/;

/** Names that exporters make up for constants: val_12, onnx::Mul_3, scalar_tensor_default, /layer/Constant_output_0. */
export function hasGeneratedName(name: string): boolean {
  return (
    FILLED_NAMES.test(name) ||
    /^(val_|_?const|onnx::|scalar_tensor|_to_copy|\/)|constant/i.test(name) ||
    /^\d+$/.test(name)
  );
}
