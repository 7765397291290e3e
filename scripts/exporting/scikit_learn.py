"""python scikit_learn.py OUT_DIR — pip install scikit-learn skl2onnx"""
import sys
import warnings

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
out = sys.argv[1]
x, y = load_iris(return_X_y=True)
x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
np.savez(f"{out}/train.npz", x=x, y=y)
model = MLPClassifier((16, 8), max_iter=300, random_state=0).fit(x, y)
linear = LogisticRegression().fit(x, y)

# [sklearn]
from skl2onnx import to_onnx

converted = to_onnx(model, x[:1], options={"zipmap": False}, target_opset=18)
# [end]
with open(f"{out}/model.onnx", "wb") as file:
    file.write(converted.SerializeToString())

# [linear]
converted = to_onnx(linear, x[:1], options={"zipmap": False}, target_opset=18, black_op={"LinearClassifier"})
# [end]
with open(f"{out}/linear.onnx", "wb") as file:
    file.write(converted.SerializeToString())
