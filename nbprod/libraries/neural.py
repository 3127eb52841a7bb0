"""What nbprod knows of Keras and of PyTorch wrappers: models with `fit`, and what only transforms a row."""

from __future__ import annotations

from nbprod.libraries.calls import TORCH_RANDOM, Call, Result, Table, named
from nbprod.libraries.moves import LOSS, Learns, Moves

_MODELS = (
    "Sequential", "Model", "KerasClassifier", "KerasRegressor", "NeuralNetClassifier", "NeuralNetRegressor", "Trainer",
    "Functional",
)  # fmt: skip

_LOSSES = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss",
)  # fmt: skip
_LOSS_CLASSES = (
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss",
    "KLDivLoss", "PoissonNLLLoss",
)  # fmt: skip

MOVES: Moves = {
    **{f"torch.nn.functional.{name}": LOSS for name in _LOSSES},
    **{name: Learns(role="loss") for name in _LOSS_CLASSES},
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
