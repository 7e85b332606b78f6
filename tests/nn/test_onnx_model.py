"""The ONNX importer against onnx's own reference."""

import sys
import warnings

import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.importers.onnx_model import import_onnx
from nn.layers.flatten import Flatten
from nn.layers.rearrange import Rearrange
from nn.networks import find
from nn.operator import channels_first, channels_last
from nn.quantise import quantise

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - only where onnx is there
from onnx.reference import ReferenceEvaluator  # noqa: E402

IMAGE = (3, 6, 8)  # channels, height, width
RNG = np.random.default_rng(3)


def random(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def model(nodes, constants=(), *, image=IMAGE, batch="n", output="y", opset=21, inputs=None):
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
    inputs = inputs or [helper.make_tensor_value_info("x", TensorProto.FLOAT, (batch, *image))]
    result = helper.make_empty_tensor_value_info(output)
    result.type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(nodes, "network", inputs, [result], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def saved(tmp_path, made):
    path = tmp_path / "network.onnx"
    onnx.save(made, str(path))
    return path


def difference(tmp_path, made, images=5):
    """The largest difference between the imported network and the reference, and the network."""
    graph = import_onnx(saved(tmp_path, made))
    shape = [axis.dim_value for axis in made.graph.input[0].type.tensor_type.shape.dim]
    x = RNG.random((shape[0] or images, *shape[1:])).astype(np.float32)
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})
    found = channels_first(graph.run(channels_last(x).astype(float))[graph.output])
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max(), graph


def node(op, *inputs, **attributes):
    return helper.make_node(op, ["x", *inputs], ["y"], name="the_node", **attributes)


ONE_NODE = {
    "convolution": (
        node("Conv", "w", "b", pads=[1, 0, 2, 1], strides=[2, 1]),
        {"w": random(4, 3, 3, 3), "b": random(4)},
    ),
    "grouped": (node("Conv", "w", group=3, dilations=[2, 2]), {"w": random(6, 1, 2, 2)}),
    "same upper": (node("Conv", "w", auto_pad="SAME_UPPER", strides=[2, 2]), {"w": random(4, 3, 4, 2)}),
    "same lower": (node("Conv", "w", auto_pad="SAME_LOWER", strides=[1, 3]), {"w": random(4, 3, 4, 2)}),
    "valid": (node("Conv", "w", auto_pad="VALID", strides=[2, 3]), {"w": random(4, 3, 3, 3)}),
    "max pool": (node("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]), {}),
    "max pool, ceiling": (node("MaxPool", kernel_shape=[2, 3], strides=[4, 3], ceil_mode=1), {}),
    "max pool, ceiling and padded": (
        node("MaxPool", kernel_shape=[2, 2], strides=[4, 3], pads=[1, 1, 1, 1], ceil_mode=1),
        {},
    ),
    "max pool, ceiling and valid": (
        node("MaxPool", kernel_shape=[2, 3], strides=[3, 3], auto_pad="VALID", ceil_mode=1),
        {},
    ),
    "average, ceiling and padded": (
        node("AveragePool", kernel_shape=[2, 2], strides=[4, 3], pads=[1, 0, 1, 2], ceil_mode=1),
        {},
    ),
    "average": (node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1]), {}),
    "average, padded": (
        node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1], count_include_pad=1),
        {},
    ),
    "global average": (node("GlobalAveragePool"), {}),
    "global maximum": (node("GlobalMaxPool"), {}),
    "mean": (node("ReduceMean", "axes", keepdims=0), {"axes": np.array([2, 3])}),
    "mean of channels": (node("ReduceMean", "axes"), {"axes": np.array([1])}),
    "mean of rows": (node("ReduceMean", "axes", keepdims=0), {"axes": np.array([2])}),
    "sum": (node("ReduceSum", "axes", keepdims=0), {"axes": np.array([-1, 1])}),
    "maximum of channels": (node("ReduceMax", "axes"), {"axes": np.array([1])}),
    "mean, kept": (node("ReduceMean", "axes"), {"axes": np.array([-1, -2])}),
    "batch norm": (
        node("BatchNormalization", "g", "b", "m", "v", epsilon=0.01),
        {"g": random(3), "b": random(3), "m": random(3), "v": np.abs(random(3)) + 0.1},
    ),
    "add a channel's": (node("Add", "c"), {"c": random(3, 1, 1)}),
    "add a place's": (node("Add", "c"), {"c": random(1, 3, 6, 8)}),
    "subtract from": (helper.make_node("Sub", ["c", "x"], ["y"]), {"c": np.float32(1)}),
    "multiply": (node("Mul", "c"), {"c": random(1, 3, 1, 1)}),
    "divide": (node("Div", "c"), {"c": np.array([3.0], np.float32)}),
    "negative": (node("Neg"), {}),
    "clip": (node("Clip", "low", "high"), {"low": np.float32(0.2), "high": np.float32(0.7)}),
    "clip below": (node("Clip", "", "high"), {"high": np.float32(0.7)}),
    "relu": (node("Relu"), {}),
    "sigmoid": (node("Sigmoid"), {}),
    "hard sigmoid": (node("HardSigmoid", alpha=0.3, beta=0.2), {}),
    "hard swish": (node("HardSwish"), {}),
    "leaky relu": (node("LeakyRelu", alpha=0.2), {}),
    "elu": (node("Elu", alpha=0.5), {}),
    "gelu": (node("Gelu"), {}),
    "gelu by tanh": (node("Gelu", approximate="tanh"), {}),
    "mish": (node("Mish"), {}),
    "softplus": (node("Softplus"), {}),
    "prelu": (node("PRelu", "s"), {"s": np.array([[[0.3]]], np.float32)}),
    "prelu by channel": (node("PRelu", "s"), {"s": random(3, 1, 1)}),
    "power": (node("Pow", "e"), {"e": np.float32(2)}),
    "square root": (node("Sqrt"), {}),
    "reciprocal": (node("Reciprocal"), {}),
    "a constant over it": (helper.make_node("Div", ["c", "x"], ["y"]), {"c": random(3, 1, 1)}),
    "multiply by a place's": (node("Mul", "c"), {"c": random(1, 1, 6, 8)}),
    "multiply by a column's": (node("Mul", "c"), {"c": random(8)}),
    "pad channels": (node("Pad", "p", "v"), {"p": np.array([0, 1, 0, 0, 0, 2, 0, 1]), "v": np.float32(0.5)}),
    "pad by reflection": (node("Pad", "p", mode="reflect"), {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0])}),
    "pad by the edge": (node("Pad", "p", mode="edge"), {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0])}),
    "pad": (node("Pad", "p"), {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0])}),
    "pad, some axes": (node("Pad", "p", "", "axes"), {"p": np.array([2, 1]), "axes": np.array([3])}),
    "resize": (
        node("Resize", "", "s", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        {"s": np.array([1, 1, 2, 3], np.float32)},
    ),
    "softmax": (node("Softmax"), {}),
    "softmax of channels": (node("Softmax", axis=1), {}),
    "softmax of the last axis": (node("Softmax", axis=3), {}),
    "layer norm": (node("LayerNormalization", "g", "b", epsilon=0.01), {"g": random(8), "b": random(8)}),
    "layer norm of an image": (
        node("LayerNormalization", "g", "b", axis=1),
        {"g": random(3, 6, 8), "b": random(3, 6, 8)},
    ),
    "group norm": (node("GroupNormalization", "g", "b", num_groups=1), {"g": random(3), "b": random(3)}),
    "instance norm": (node("InstanceNormalization", "g", "b"), {"g": random(3), "b": random(3)}),
    "transposed convolution": (
        node("ConvTranspose", "w", "b", strides=[2, 3], pads=[1, 0, 0, 2], output_padding=[1, 0]),
        {"w": random(3, 4, 3, 4), "b": random(4)},
    ),
    "product with a constant": (node("MatMul", "w"), {"w": random(8, 5)}),
    "product of tensors": (helper.make_node("MatMul", ["x", "t"], ["y"]), {}),
    "reshape": (node("Reshape", "s"), {"s": np.array([0, 4, -1])}),
    "flatten": (node("Flatten"), {}),
    "transpose": (node("Transpose", perm=[0, 3, 1, 2]), {}),
    "slice": (
        node("Slice", "a", "z", "axes", "step"),
        {k: np.array(v) for k, v in (("a", [1]), ("z", [8]), ("axes", [3]), ("step", [2]))},
    ),
    "gather": (node("Gather", "i", axis=2), {"i": np.array([4, 0])}),
    "gather one": (node("Gather", "i", axis=1), {"i": np.array(2)}),
    "to depth": (node("SpaceToDepth", blocksize=2), {}),
}


@pytest.mark.parametrize("name", ONE_NODE)
def test_every_operator_computes_what_onnx_says(name, tmp_path):
    made, constants = ONE_NODE[name]
    nodes = [made]
    if "t" in made.input:
        nodes.insert(0, helper.make_node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2]))
    error, _ = difference(tmp_path, model(nodes, constants))
    assert error < 2e-6


def test_an_older_group_norm_has_factors_by_group(tmp_path):
    made = model(
        [node("GroupNormalization", "g", "b", num_groups=2)],
        {"g": random(2), "b": random(2)},
        image=(4, 6, 8),
        opset=18,
    )
    assert difference(tmp_path, made)[0] < 2e-6


def test_a_local_response_norm_is_that_of_torch(tmp_path):
    """onnx's reference takes images for channels."""
    graph = import_onnx(saved(tmp_path, model([node("LRN", size=3, alpha=0.3, beta=0.7, bias=1.5)])))
    x = RNG.random((5, *IMAGE))
    expected = torch.nn.functional.local_response_norm(torch.from_numpy(x), 3, 0.3, 0.7, 1.5).numpy()
    assert np.allclose(channels_first(graph.run(channels_last(x))[graph.output]), expected, rtol=1e-6)


def test_the_branch_that_a_constant_takes_is_read(tmp_path):
    branches = {
        f"{name}_branch": helper.make_graph([helper.make_node(op, ["x"], [name])], name, [], [value(name, None)])
        for name, op in (("then", "Relu"), ("else", "Neg"))
    }
    for truth, expected in ((True, "Relu"), (False, "Affine")):
        made = model([helper.make_node("If", ["c"], ["y"], **branches)], {"c": np.array(truth)})
        assert [type(node.layer).__name__ for node in import_onnx(saved(tmp_path, made)).nodes] == [expected]


def test_shapes_computed_from_the_shape_of_the_image_are_folded(tmp_path):
    made = model(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "first"], ["n"]),
            helper.make_node("Concat", ["n", "rest"], ["to"], axis=0),
            helper.make_node("Reshape", ["x", "to"], ["r"]),
            helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
            helper.make_node("Dropout", ["t"], ["d"]),
            helper.make_node("Identity", ["d"], ["i"]),
            helper.make_node("Flatten", ["i"], ["f"]),
            helper.make_node("Constant", [], ["b"], value_floats=[1.0, 2.0, -1.0, 0.5, 3.0]),
            helper.make_node("Gemm", ["f", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1),
        ],
        {"first": np.array([0]), "rest": np.array([3, 48]), "w": random(5, 144)},
    )
    error, graph = difference(tmp_path, made)
    assert error < 2e-6
    assert [type(node.layer).__name__ for node in graph.nodes] == ["Rearrange", "Linear"]


def test_parts_of_a_split_and_a_constant_are_joined(tmp_path):
    made = model(
        [
            helper.make_node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3),
            helper.make_node("Mul", ["a", "c"], ["m"]),
            helper.make_node("Sub", ["m", "b"], ["d"]),
            helper.make_node("Concat", ["b", "k", "d"], ["y"], axis=1),
        ],
        {"k": random(1, 2, 6, 8)},
        batch=1,
    )
    assert difference(tmp_path, made)[0] < 2e-6


@pytest.mark.parametrize("name", ["gelu", "swish", "hard swish"])
def test_a_function_that_is_spelt_out_is_one_layer(name, tmp_path):
    nodes = {
        "gelu": [
            helper.make_node("Div", ["x", "root"], ["a"]),
            helper.make_node("Erf", ["a"], ["b"]),
            helper.make_node("Add", ["b", "one"], ["c"]),
            helper.make_node("Mul", ["x", "c"], ["d"]),
            helper.make_node("Mul", ["d", "half"], ["y"]),
        ],
        "swish": [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["s", "x"], ["y"])],
        "hard swish": [
            helper.make_node("Add", ["x", "three"], ["a"]),
            helper.make_node("Clip", ["a", "zero", "six"], ["b"]),
            helper.make_node("Mul", ["x", "b"], ["c"]),
            helper.make_node("Div", ["c", "six"], ["y"]),
        ],
    }[name]
    numbers = {"root": 2**0.5, "one": 1, "half": 0.5, "three": 3, "six": 6, "zero": 0}
    used = {each for node in nodes for each in node.input}
    made = model(nodes, {key: np.float32(value) for key, value in numbers.items() if key in used})
    error, graph = difference(tmp_path, made)
    assert error < 2e-6
    assert next(type(each.layer).__name__ for each in graph.nodes if each.layer.along == 0) == "Composed"
    assert not any(type(each.layer).__name__ == "Multiply" for each in graph.nodes)


def exported(tmp_path, module, shape):
    path = tmp_path / "exported.onnx"
    with warnings.catch_warnings():  # torch's newer exporter, which it would have used, needs onnxscript
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.zeros(1, *shape),), str(path), dynamo=False)
    return path


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet", "transformer"])
def test_what_torch_exports_computes_what_torch_does(name, tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        module = find(name)((8, 8, 1), 10)
    graph = import_onnx(exported(tmp_path, module, (1, 8, 8)), (8, 8, 1))
    images = RNG.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2) / 255.0).float()).numpy()
    assert np.abs(graph.logits(images) - expected).max() < 1e-5 * max(np.abs(expected).max(), 1)
    integers = quantise(graph, images)
    assert np.abs(integers.logits(images) * integers.output_scale - expected).max() < 0.1 * np.abs(expected).max()


@pytest.mark.parametrize(
    "pool", [torch.nn.MaxPool2d(2, 2, 1, ceil_mode=True), torch.nn.AvgPool2d(2, 2, 1, ceil_mode=True)]
)
def test_what_follows_a_pool_that_sticks_out_has_its_true_size(pool, tmp_path):
    """7 pixels and a padding of 1: a fifth window would begin in the padding at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        module = torch.nn.Sequential(pool, torch.nn.Conv2d(1, 3, 3), torch.nn.Flatten(), torch.nn.Linear(12, 4))
    graph = import_onnx(exported(tmp_path, module, (1, 7, 7)))
    images = RNG.integers(0, 256, (20, 7, 7, 1), dtype=np.uint8)
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2) / 255.0).float()).numpy()
    assert np.abs(graph.logits(images) - expected).max() < 1e-5
    integers = quantise(graph, images)
    assert np.abs(integers.logits(images) * integers.output_scale - expected).max() < 0.1 * np.abs(expected).max()


def test_attention_with_the_batch_in_the_second_axis(tmp_path):
    class Attentive(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            x = x.flatten(1, 2)
            return self.attention(x, x, x, need_weights=False)[0].flatten(1)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        module = Attentive()
    graph = import_onnx(exported(tmp_path, module, (1, 8, 8)))
    images = RNG.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2) / 255.0).float()).numpy()
    assert np.abs(graph.logits(images) - expected).max() < 1e-6
    assert sum(isinstance(node.layer, (Rearrange, Flatten)) for node in graph.nodes) < 9


def value(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


RELU = [helper.make_node("Relu", ["x"], ["y"])]
REFUSED = {
    "'NonZero' at 'odd' can't be mapped.*docs/networks.md": model(
        [helper.make_node("NonZero", ["x"], ["y"], name="odd")]
    ),
    "'my.own.Thing' at 'y'": model([helper.make_node("Thing", ["x"], ["y"], domain="my.own")]),
    "takes 2 tensors": model(RELU, inputs=[value("x", 1, 3, 6, 8), value("z", 1)]),
    "leaves the axis 'height' open": model(RELU, image=(3, "height", 8)),
    "operator set 7 is too old": model(RELU, opset=7),
    "takes 'nowhere'": model([helper.make_node("Concat", ["nowhere", "k"], ["y"], axis=0)], {"k": np.zeros(2)}),
    "'Softmax'.*over several axes": model([helper.make_node("Softmax", ["x"], ["y"], axis=1)], opset=12),
    "'Add'.*shapes don't fit": model([helper.make_node("Add", ["x", "k"], ["y"])], {"k": random(5)}),
    "'Gather'.*computed from the image": model(
        [helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64), helper.make_node("Gather", ["k", "i"], ["y"])],
        {"k": random(5)},
    ),
    "'MaxPool'.*misses the image": model([node("MaxPool", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 2, 2])]),
    "'AveragePool'.*misses the image": model([node("AveragePool", kernel_shape=[1, 1], pads=[1, 1, 1, 1])]),
    "does not depend on the image": model([helper.make_node("Relu", ["k"], ["y"])], {"k": random(5)}),
    "moves or mixes the batch": model(
        [
            helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]),
            helper.make_node("GlobalMaxPool", ["t"], ["y"]),
        ]
    ),
}


@pytest.mark.parametrize("match", REFUSED)
def test_what_can_not_be_read_is_told(match, tmp_path):
    with pytest.raises(ConfigError, match=match):
        import_onnx(saved(tmp_path, REFUSED[match]))


def test_an_open_size_is_that_of_the_data(tmp_path):
    path = saved(tmp_path, model(RELU, image=(3, "height", "width")))
    assert len(import_onnx(path, (6, 8, 3)).nodes) == 1
    with pytest.raises(ConfigError, match="takes images of 3 x any x any, the data's are 4 x 6 x 8"):
        import_onnx(path, (6, 8, 4))


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_told(damage, tmp_path):
    path = saved(tmp_path, model(RELU))
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(ConfigError, match=r"network.onnx: not .*damaged"):
        import_onnx(path)
    with pytest.raises(ConfigError, match="no such file"):
        import_onnx(tmp_path / "missing.onnx")


def test_a_missing_package_is_told_with_the_remedy(tmp_path, monkeypatch):
    path = saved(tmp_path, model(RELU))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install .\[onnx\]"):
        import_onnx(path)
