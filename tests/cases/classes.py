# %% [markdown]
# # Classes: one of our own that learns, a dataclass, a subclass, class attributes that change

# %%
from dataclasses import dataclass, field

import numpy as np

# %%
@dataclass
class Reading:
    place: str
    values: list = field(default_factory=list)

    @property
    def mean(self):
        return float(np.mean(self.values))


class Smoother:
    made = 0

    def __init__(self, width):
        self.width = width
        Smoother.made += 1

    def fit(self, values):
        self.kernel_ = np.ones(self.width) / self.width
        self.seen_ = len(values)
        return self

    def transform(self, values):
        return np.convolve(values, self.kernel_, mode="valid")


class Doubler(Smoother):
    def transform(self, values):
        return 2 * super().transform(values)


# %%
rng = np.random.default_rng(3)
readings = [Reading("north", rng.normal(size=20).tolist()), Reading("south", rng.normal(1, 2, size=20).tolist())]

# %%
smoothers = {reading.place: Smoother(3).fit(reading.values) for reading in readings}
doubler = Doubler(5).fit(readings[0].values)

# %%
readings[1].values.append(99.0)
smooth = {reading.place: smoothers[reading.place].transform(reading.values) for reading in readings}
doubled = doubler.transform(readings[0].values)

# %%
made = Smoother.made
means = [reading.mean for reading in readings]
