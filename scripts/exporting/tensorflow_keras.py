"""python tensorflow_keras.py OUT_DIR — pip install tensorflow-cpu tf2onnx"""
import sys

import keras
import numpy as np

out = sys.argv[1]
keras.utils.set_random_seed(0)
L = keras.layers
model = keras.Sequential([
    L.Input((12, 12, 3)), L.Conv2D(8, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(2), L.Flatten(), L.Dense(5)])
r = np.random.default_rng(0)
np.savez(f"{out}/train.npz", x=r.standard_normal((16, 12, 12, 3)).astype(np.float32), y=r.integers(0, 5, 16))

# [keras]
import tensorflow as tf
import tf2onnx

spec = [tf.TensorSpec((None, 12, 12, 3), tf.float32, name="x")]
forward = tf.function(lambda x: model(x, training=False), input_signature=spec)
tf2onnx.convert.from_function(forward, input_signature=spec, opset=18, output_path=f"{out}/model.onnx")
# [end]
