# %% [markdown]
# # Polars: eager and lazy frames, expressions kept in a list, a join

# %%
import datetime as dt

import polars as pl

days = [dt.date(2024, 1, 1) + dt.timedelta(days=offset) for offset in range(10)]
trips = pl.DataFrame({"day": days * 2, "zone": ["n"] * 10 + ["s"] * 10, "fares": [float(one) for one in range(20)]})

# %%
by_zone = [pl.col("fares").sum().alias("total"), pl.col("fares").mean().alias("mean")]
totals = trips.group_by("zone", maintain_order=True).agg(by_zone)

# %%
plan = trips.lazy().with_columns(before=pl.col("fares").shift(1).over("zone")).filter(pl.col("before").is_not_null())

# %%
known = plan.collect()
joined = known.join(totals, on="zone", how="left", maintain_order="left")

# %%
joined = joined.with_columns((pl.col("fares") / pl.col("total")).alias("share"))
share = joined.group_by("zone", maintain_order=True).agg(pl.col("share").sum())
