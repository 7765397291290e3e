"""onnx-ad 0.3 and onnx-landscape on the same exports with float64 references (fixtures `zoo` and `frameworks`).

    python scripts/coverage/onnx_ad_zoo.py FIXTURES [PATTERN …] [--json FILE]

Both are given the parameters' names and the loss. onnx-ad differentiates graph inputs and knows no losses, so this script
appends the loss, makes the parameters inputs, and tries two forms: `as exported` (nothing else is changed) and `prepared`
(at least opset 18, batch and all other dimensions fixed, shapes inferred before each derivative, constants folded by onnxruntime's basic optimiser).
A second derivative is tried forward over reverse, then reverse over reverse. It agrees when the gradient is within
1e-4 and the product within 1e-3 of the reference (relative, 2-norm). Needs: pip install onnx-ad==0.3.0 onnx onnxruntime.
"""
import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx_ad
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

CLI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "cli.js")
ort.set_default_logger_severity(4)
TOLERANCE = {"gradient": 1e-4, "hvp": 1e-3}


def append_loss(model, case, data):
    """The case's loss as scalar output `the_loss`, with the targets as input `y`."""
    graph, options = model.graph, case.get("loss_options", {})
    z = case.get("output_name") or graph.output[0].name
    kind = options.get("output") or options.get("logits") or "logits"
    nodes, y = [], data["y"]

    def node(op, inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [f"loss_{len(nodes)}"], name=f"loss_node_{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    def constant(value):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name := f"loss_constant_{len(graph.initializer)}"))
        return name

    if case["loss"] == "output":
        loss = node("Reshape", [z, constant(np.zeros(0, np.int64))])
    elif case["loss"] == "cross-entropy":  # of a weight for each class: the loss operators came with opset 12
        axis = options.get("class_axis", 1)
        logs = z if kind == "log-probabilities" else node("Log", [z]) if kind == "probabilities" else node("LogSoftmax", [z], axis=axis)
        loss = node("Neg", [node("ReduceSum", [node("Mul", [logs, "y"])], keepdims=0)])
    elif case["loss"] == "mse":
        d = node("Sub", [z, "y"])
        loss = node("ReduceMean", [node("Mul", [d, d])], keepdims=0)
    elif kind == "probabilities":  # bce
        one = constant(np.float32(1))
        terms = node("Add", [node("Mul", ["y", node("Log", [z])]), node("Mul", [node("Sub", [one, "y"]), node("Log", [node("Sub", [one, z])])])])
        loss = node("Neg", [node("ReduceMean", [terms], keepdims=0)])
    else:
        loss = node("ReduceMean", [node("Sub", [node("Softplus", [z]), node("Mul", [z, "y"])])], keepdims=0)
    nodes.append(helper.make_node("Identity", [loss], ["the_loss"]))
    graph.node.extend(nodes)
    if case["loss"] != "output":
        shape = list(y.shape)
        first = graph.input[0].type.tensor_type.shape.dim[0]
        if first.dim_param:
            shape[0] = first.dim_param
        graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, shape))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("the_loss", TensorProto.FLOAT, []))


def class_weights(case, y):
    """Labels as the share of each class in the mean, at the class axis; other targets as they are."""
    if case["loss"] != "cross-entropy":
        return y
    options = case.get("loss_options", {})
    counted = y != options.get("ignore_index", -(10**9))
    classes = case["classes"]
    hot = np.eye(classes, dtype=np.float32)[np.where(counted, y, 0)] * counted[..., None] / counted.sum()
    return np.moveaxis(hot, -1, options.get("class_axis", 1)).astype(np.float32)


def class_count(model, case, feeds):
    """Size of the class axis of the output that the loss takes."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    name = case.get("output_name") or copy.graph.output[0].name
    if name not in {o.name for o in copy.graph.output}:
        copy.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = ort.InferenceSession(copy.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {i.name for i in session.get_inputs()}
    return session.run([name], {k: v for k, v in feeds.items() if k in inputs})[0].shape[case.get("loss_options", {}).get("class_axis", 1)]


def convert(model):
    """Opset 18, where the file has an older one."""
    version = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    return onnx.version_converter.convert_version(model, 18) if version < 18 else model


def promote(model, parameters):
    """The parameters as graph inputs; their values."""
    graph, values = model.graph, {}
    for p in parameters:
        found = next(i for i in graph.initializer if i.name == p["name"])
        values[p["name"]] = numpy_helper.to_array(found)
        graph.initializer.remove(found)
        if p["name"] not in {i.name for i in graph.input}:
            graph.input.append(helper.make_tensor_value_info(p["name"], found.data_type, list(found.dims)))
    return values


def prepare(model, feeds):
    """Static shapes, folded constants, inferred types."""
    for i in model.graph.input:
        for dim, size in zip(i.type.tensor_type.shape.dim, feeds[i.name].shape):
            dim.Clear()
            dim.dim_value = size
    del model.graph.value_info[:]
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = os.path.join(folder, "folded.onnx")
        # Only folding: fusions give operators outside the standard.
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(options.optimized_model_filepath)
    if all(n.domain in ("", "ai.onnx") for n in folded.graph.node):
        model = folded
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def execute(model, feeds):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {i.name: feeds[i.name] if i.name in feeds else None for i in session.get_inputs()}
    for i in session.get_inputs():
        if given[i.name] is None:  # seeds of what does not move
            given[i.name] = np.zeros([d if isinstance(d, int) else 1 for d in i.shape], np.float32)
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(None, given)))


def distance(got, want):
    got = np.concatenate([np.asarray(g, np.float64).ravel() for g in got])
    error = float(np.linalg.norm(got - want) / np.linalg.norm(want))
    return error if error == error else float("inf")


def attempts(model, values, batches, case, ref, shapes):
    """What onnx-ad gives of one form: relative errors of gradient and products, or its sentence. Means over `batches`."""
    names = [p["name"] for p in case["parameters"]]
    row, parts, at = {}, {}, 0
    for p in case["parameters"]:
        size = int(np.prod(p["shape"], dtype=int))
        parts[p["name"]] = ref["v"][at : at + size].reshape(p["shape"]).astype(np.float32)
        at += size
    seeds = {"adj_the_loss": np.ones(1, np.float32)}

    def mean(graph, more, prefix):
        found = [execute(graph, {**values, **feeds, **seeds, **more}) for feeds in batches]
        return [np.mean([out[prefix + n] for out in found], axis=0) for n in names]

    def trial(key, differentiate, more, prefix, want):
        try:
            graph = differentiate()
            row[key] = distance(mean(graph, more, prefix), want)
            return graph
        except Exception as e:
            row[f"why {key}"] = f"{type(e).__name__}: {str(e)[:200]}"

    adjoints = [f"adj_{n}" for n in names]
    first = trial("gradient", lambda: onnx_ad.reverse(model, inputs=names, outputs=["the_loss"], layout="onnx"), {}, "adj_", ref["grad"])
    if first is not None:
        if shapes:
            first = onnx.shape_inference.infer_shapes(first, data_prop=True)
        trial("forward over reverse", lambda: onnx_ad.forward(first, inputs=names, outputs=adjoints, layout="onnx"),
              {f"fwd_{n}": v[..., None] for n, v in parts.items()}, "fwd_adj_", ref["hv"])
        if row.get("forward over reverse", 1) > TOLERANCE["hvp"]:
            trial("reverse over reverse", lambda: onnx_ad.reverse(first, inputs=names, outputs=adjoints, layout="onnx"),
                  {f"adj2_adj_{n}": v[..., None, None] for n, v in parts.items()}, "adj2_", ref["hv"])
    return row


def theirs(folder, case, data, ref):
    rows = {}
    total = len(next(v for k, v in data.items() if k != "y"))
    batch = case["batch"] if isinstance(case.get("batch"), int) else total
    for form in ("as exported", "prepared"):
        try:
            model = onnx.load(os.path.join(folder, "model.onnx"))
            cut = [{k: v[at : at + batch] for k, v in data.items()} for at in range(0, total, batch)]
            if case["loss"] == "cross-entropy":
                case["classes"] = class_count(model, case, cut[0])
            cut = [{**c, "y": class_weights(case, c["y"])} if "y" in c else c for c in cut]
            if form == "prepared":
                model = convert(model)
            append_loss(model, case, cut[0])
            values = promote(model, case["parameters"])
            used = {i.name for i in model.graph.input}
            batches = [{k: v for k, v in c.items() if k in used} for c in cut]
            if form == "prepared":
                model = prepare(model, {**values, **batches[0]})
            rows[form] = attempts(model, values, batches, case, ref, form == "prepared")
        except Exception as e:
            rows[form] = {"why": f"{type(e).__name__}: {str(e)[:200]}"}
    return rows


def ours(folder, case, ref):
    options = case.get("loss_options", {})
    arguments = ["--data", os.path.join(folder, "data.npz"), "--loss", case["loss"], "--workers", "1"]
    kind = options.get("output") or options.get("logits")
    if kind:
        arguments += ["--logits", kind]
    if "ignore_index" in options:
        arguments += [f"--ignore-index={options['ignore_index']}"]
    if "class_axis" in options:
        arguments += [f"--class-axis={options['class_axis']}"]
    if case.get("output_name"):
        arguments += ["--output", case["output_name"]]

    def run(command, *more):
        done = subprocess.run(["node", CLI, command, os.path.join(folder, "model.onnx"), *arguments, *more, "--json", "--quiet"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:200])
        return json.loads(done.stdout)

    row = {}
    try:
        with tempfile.TemporaryDirectory() as t:
            g, v, h = (os.path.join(t, f) for f in ("g.npz", "v.npz", "h.npz"))
            places = {p["name"]: p for p in run("gradient", "--npz", g)["parameters"]}
            gradient, vector, at = np.load(g)["gradient"], np.zeros(sum(p["size"] for p in places.values())), 0
            cut = lambda x: [x[places[p["name"]]["offset"] :][: places[p["name"]]["size"]] for p in case["parameters"]]
            row["gradient"] = distance(cut(gradient), ref["grad"])
            for p in case["parameters"]:
                o, size = places[p["name"]]["offset"], places[p["name"]]["size"]
                vector[o : o + size] = ref["v"][at : at + size]
                at += size
            np.savez(v, v=vector)
            run("hvp", "--method", "exact", "--vector", f"{v}:v", "--npz", h)
            row["hvp"] = distance(cut(np.load(h)["hv"]), ref["hv"])
    except Exception as e:
        row["why"] = f"{type(e).__name__}: {str(e)[:200]}"
    return row


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument("fixtures")
    a.add_argument("patterns", nargs="*")
    a.add_argument("--json")
    a.add_argument("--without-ours", action="store_true")
    o = a.parse_args()
    rows = []
    for family in ("zoo", "frameworks"):
        for name in sorted(os.listdir(os.path.join(o.fixtures, family))):
            folder = os.path.join(o.fixtures, family, name)
            if not os.path.exists(os.path.join(folder, "ref.npz")) or (o.patterns and not any(fnmatch.fnmatch(name, p) for p in o.patterns)):
                continue
            case = json.load(open(os.path.join(folder, "case.json")))
            data, ref = dict(np.load(os.path.join(folder, "data.npz"))), dict(np.load(os.path.join(folder, "ref.npz")))
            row = {"name": name, "onnx-landscape": {} if o.without_ours else ours(folder, case, ref), **theirs(folder, case, data, ref)}
            rows.append(row)
            print(json.dumps(row), flush=True)
            if o.json:
                json.dump(rows, open(o.json, "w"), indent=1)
    good = lambda row, form, key: row[form].get(key, float("inf")) <= TOLERANCE["gradient" if key == "gradient" else "hvp"]
    print(f"\nof {len(rows)} models: onnx-landscape gradients {sum(good(r, 'onnx-landscape', 'gradient') for r in rows)}, products {sum(good(r, 'onnx-landscape', 'hvp') for r in rows)}")
    for form in ("as exported", "prepared"):
        forward = sum(good(r, form, "forward over reverse") for r in rows)
        either = sum(good(r, form, "forward over reverse") or good(r, form, "reverse over reverse") for r in rows)
        print(f"onnx-ad {form}: gradients {sum(good(r, form, 'gradient') for r in rows)}, products forward over reverse {forward}, in any order {either}")


if __name__ == "__main__":
    sys.exit(main())
