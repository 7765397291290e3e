/** What the names of values tell. */

/** A path as modules have it: layer1.0.weight, model/dense/kernel. */
export function isStatePath(name: string): boolean {
  return /[a-z_]\w*[./]\w/i.test(name) && !hasGeneratedName(name);
}

/** Names that PyTorch's graphs give to tensors filled on the way. */
const FILLED_NAMES = /^(zeros|ones|full|empty|arange|eye|_tensor_constant|lift_fresh_copy)(_like)?_?\d*$/;

/**
 * Names that exporters make up for constants: val_12, onnx::Mul_3, p2o.pd_op.full.2.0, /layer/Constant_output_0,
 * scan_loop_0/const_val_1.
 */
export function hasGeneratedName(name: string): boolean {
  return (
    FILLED_NAMES.test(name) ||
    /^(val_|_?const|onnx::|scalar_tensor|_to_copy|p2o\.|auto\.cast\.|\/)|constant|\/const_val_\d+$/i.test(
      name,
    ) ||
    /^\d+$/.test(name)
  );
}

/**
 * Names of numbers in TensorFlow's graphs, after the operand that they are of an operator (layer/add/y:0, SelectV2/e:0,
 * diag_part/padding_value:0, lstm/zeros/Const:0), and of those that tf2onnx adds to one (layer/Relu6_max__12); variables are
 * called …/ReadVariableOp:0 there.
 */
export function isTensorflowConstant(name: string): boolean {
  return /(^|\/)((zeros|ones|Const)(_like)?(_\d+)?|x|y|t|e|(\w+_)?value):\d+$|\/\w+_(min|max)__\d+$/.test(
    name,
  );
}

/** Names of what TensorFlow's graphs compute (layer/Square_2:0), where a constant has such a name after it was folded. */
export function isTensorflowResult(name: string): boolean {
  return (
    /\/\w+:\d+$/.test(name) &&
    !/(ReadVariableOp|read|kernel|bias|gamma|beta|embeddings)(_\d+)?:\d+$/.test(name)
  );
}

/** Names of what TensorFlow Lite's converter computed, after all that went into it: layer/truediv;layer/truediv;layer/Log. */
export function isLiteResult(name: string): boolean {
  return /\/\w+;\w+\//.test(name) && !/ReadVariableOp/.test(name);
}
