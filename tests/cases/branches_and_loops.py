# %% [markdown]
# # Names bound on some paths, in loops, by walrus, `with`, `except`, `match` and comprehension

# %%
import json
import math

settings = json.loads('{"mode": "fast", "limit": 4, "names": ["a", "b"]}')

# %%
if settings["mode"] == "fast":
    step = 2
else:
    slow_only = True
    step = 1

for index in range(0, settings["limit"], step):
    squared = index**2

# %%
if (size := len(settings["names"])) > 1:
    label = "several"

try:
    ratio = 1 / (size - 2)
except ZeroDivisionError as error:
    ratio, problem = math.inf, str(error)

# %%
match settings:
    case {"mode": mode, "names": [head, *rest]}:
        matched = (mode, head, rest)
    case _:
        matched = None

# %%
pairs = [(index, name) for index, name in enumerate(settings["names"])]
(first, *others), last = [1, 2, 3], 4
others += [index]

# %%
result = dict(step=step, squared=squared, label=label, ratio=ratio, matched=matched, pairs=pairs, others=others, last=last)
