# %% [markdown]
# # Helper functions that share globals
# `record` appends to a list and counts with `global`; `total` reads a name that is bound only later.

# %%
log = []
calls = 0
RATE = 0.25


def record(label, amount):
    global calls
    calls += 1
    log.append((label, amount * factor))


def total():
    return sum(amount for _, amount in log) * (1 + RATE)


# %%
factor = 2
record("rent", 100)
record("food", 40)

# %%
factor = 3
record("travel", 10)
first_total = total()

# %%
RATE = 0.5
second_total = total()

# %%
def make_counter():
    count = 0

    def step():
        nonlocal count
        count += 1
        return count

    return step


# %%
summary = {"calls": calls, "entries": list(log), "totals": (first_total, second_total)}
