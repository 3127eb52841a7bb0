# %% [markdown]
# # One object under several names: a frame in a dict, a view of an array, a list in a list

# %%
import numpy as np
import pandas as pd

train = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
test = pd.DataFrame({"x": [4.0, 5.0]})
frames = {"train": train, "test": test}

# %%
for frame in frames.values():
    frame["squared"] = frame["x"] ** 2

# %%
train["half"] = train["x"] / 2
widths = {name: frame.shape[1] for name, frame in frames.items()}

# %%
grid = np.zeros((3, 3))
row = grid[1]
row[:] = 7
grid[2, 0] = 5

# %%
row += 1
corner = grid[1, 0]

# %%
inner = [1]
nested = [inner, inner]
copy_of_inner = list(inner)

# %%
inner.append(2)
nested[0].append(3)
lengths = [len(one) for one in nested] + [len(copy_of_inner)]

# %%
same = nested[0] is nested[1], frames["train"] is train
