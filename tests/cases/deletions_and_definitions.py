# %% [markdown]
# # Functions that change: redefined, decorated, closed over a variable, with defaults taken early

# %%
import functools

scale = 10


def scaled(value, by=scale):
    return value * by


def late(value):
    return value * scale


# %%
scale = 100
early_and_late = scaled(1), late(1)

# %%
def logged(function):
    @functools.wraps(function)
    def inner(*arguments):
        seen.append(function.__name__)
        return function(*arguments)

    return inner


seen = []


@logged
def add(left, right):
    return left + right


# %%
three = add(1, 2)
adders = [lambda value, by=by: value + by for by in range(3)]

# %%
def add(left, right):
    return left - right


minus_one = add(1, 2)

# %%
del scale
scale = 1
again = late(5), [adder(10) for adder in adders], list(seen)
