"""python pytorch.py OUT_DIR — pip install torch onnx onnxscript"""
import sys

import numpy as np
import torch
from torch import nn

out = sys.argv[1]
torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
x, y = torch.randn(16, 3, 12, 12), torch.randint(5, (16,))
np.savez(f"{out}/train.npz", x=x.numpy(), y=y.numpy())

# [dynamo]
model.eval()
torch.onnx.export(
    model, (x,), f"{out}/model.onnx",
    dynamo=True,
    optimize=False,  # BatchNorm, names and weights stay as they were trained
    input_names=["x"],
    dynamic_shapes=({0: torch.export.Dim("batch")},),
)
# [end]

# [one-file]
torch.onnx.export(
    model, (x,), f"{out}/one-file.onnx",
    dynamo=True, optimize=False, input_names=["x"], dynamic_shapes=({0: torch.export.Dim("batch")},),
    external_data=False,  # else the weights lie in model.onnx.data, which has to stay beside model.onnx
)
# [end]

# [torchscript]
torch.onnx.export(
    model, (x,), f"{out}/torchscript.onnx",
    dynamo=False,
    training=torch.onnx.TrainingMode.PRESERVE,  # not EVAL: that folds BatchNorm into the convolutions
    do_constant_folding=False,                  # no transposed, renamed weights
    input_names=["x"], dynamic_axes={"x": {0: "batch"}},
)
# [end]

# [training]
training = torch.nn.Sequential(*model).train()
torch.onnx.export(
    training, (x,), f"{out}/training.onnx",
    dynamo=False, training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
    input_names=["x"], dynamic_axes={"x": {0: "batch"}},
)
# [end]


# [loss]
class WithLoss(nn.Module):
    """The model's own loss as its only output: any loss, with any inputs."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, target):
        logp = nn.functional.log_softmax(self.model(x), 1).gather(1, target[:, None])
        return -((1 - logp.exp()) ** 2 * logp).mean()  # focal loss


batch = torch.export.Dim("batch")
torch.onnx.export(
    WithLoss(model.eval()), (x, y), f"{out}/own-loss.onnx",
    dynamo=True, optimize=False, input_names=["x", "target"], dynamic_shapes=({0: batch}, {0: batch}),
)
# [end]
np.savez(f"{out}/own-loss.npz", x=x.numpy(), target=y.numpy(), y=y.numpy())
