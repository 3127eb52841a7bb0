# %% [markdown]
# # Random state that runs on: the global generators, a Generator of one's own, a seed set once

# %%
import random

import numpy as np

random.seed(11)
np.random.seed(12)
rng = np.random.default_rng(13)

# %%
first = np.random.normal(size=3)
coin = [random.random() for _ in range(2)]

# %%
second = np.random.normal(size=3)
draws = rng.integers(0, 100, 4)

# %%
np.random.shuffle(second)
later = rng.integers(0, 100, 4)
card = random.choice("abcdefgh")

# %%
from sklearn.utils import shuffle

mixed = shuffle(list(range(8)))
total = float(first.sum() + second.sum()) + sum(coin) + int(draws.sum()) + int(later.sum())
