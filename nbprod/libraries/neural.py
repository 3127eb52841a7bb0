"""What nbprod knows of Keras and of PyTorch wrappers: models with `fit`, and what only transforms a row."""

from __future__ import annotations

from nbprod.libraries.calls import TORCH_RANDOM, Call, Result, Table, named
from nbprod.libraries.moves import Learns, Moves

_MODELS = (
    "Sequential", "Model", "KerasClassifier", "KerasRegressor", "NeuralNetClassifier", "NeuralNetRegressor", "Trainer",
    "Functional",
)  # fmt: skip

MOVES: Moves = {
    **{name: Learns(role="predictor") for name in _MODELS},
    "Prophet": Learns(role="predictor"),
    "TextVectorization": Learns(role="transformer"),
    "Normalization": Learns(role="transformer"),
}


# What calls do to their arguments, to state and to files.

CALLS: Table = {
    "torch.manual_seed": Call(result=Result.PLAIN, seeds=TORCH_RANDOM),
    **named("torch", ("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"), Call(draws=TORCH_RANDOM)),
    "torch.nn.<class>": Call(draws=TORCH_RANDOM, result=Result.HOLDS),
    **named("tensorflow", ("random.set_seed",), Call(result=Result.PLAIN, sets="tensorflow.random")),
    **named("keras", ("utils.set_random_seed",), Call(result=Result.PLAIN, sets="keras.random")),
}  # fmt: skip
