# %% [markdown]
# # `df` is everything: raw data, a summary, a test, and back again

# %%
import pandas as pd

df = pd.DataFrame({"shop": list("aabbcc"), "day": [1, 2] * 3, "sales": [3, 5, 2, 8, 7, 1]})

# %%
raw = df
df = df.groupby("shop", as_index=False)["sales"].sum()
df["share"] = df["sales"] / df["sales"].sum()

# %%
best = df.loc[df["share"].idxmax(), "shop"]
df = raw[raw["shop"] == best]

# %%
raw["flag"] = raw["shop"].eq(best)
df = df.assign(cumulative=df["sales"].cumsum())

# %%
df, counts = raw.sort_values("sales"), raw["flag"].value_counts()
del raw

# %%
top = df.tail(2)["shop"].tolist()
