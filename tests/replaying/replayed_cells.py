"""Cells that read the future and cells that only look like it, over data made here.

`sales` has one row a shop and six hours (two shops, the second opens late): `level` has gaps, `kind` gets a new value
late, `refund` is known only at `settled`. `quotes` are valid from `day` and published at `out`. `shops` never changes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nbprod.replaying import Declarations

OPENING = pd.Timestamp("2025-03-20")
END_OF_TRAINING = pd.Timestamp("2025-03-25")
DECLARED = Declarations(time="moment", entity="shop", known=(("refund", "settled"), ("price", "out")))


def frames() -> dict[str, pd.DataFrame]:
    """The inputs, the same on every call."""
    draws = np.random.default_rng(20)
    at = pd.date_range("2025-03-01", periods=160, freq="6h")
    parts = []
    for shop in ("north", "south"):
        level = 50 + np.cumsum(draws.normal(0, 1, len(at)))
        part = pd.DataFrame(
            {"moment": at, "shop": shop, "amount": draws.gamma(3, 20, len(at)), "level": level}
        )
        part["visits"] = draws.integers(5, 60, len(at))
        part["kind"] = np.where(draws.random(len(at)) < 0.5, "toys", "books")
        part.loc[at > at[120], "kind"] = np.where(draws.random(39) < 0.4, "garden", "toys")
        part.loc[draws.random(len(at)) < 0.3, "level"] = np.nan
        part["refund"] = (draws.random(len(at)) < 0.3).astype(float)
        part["settled"] = at + pd.to_timedelta(draws.integers(6, 72, len(at)), unit="h")
        parts.append(part if shop == "north" else part[part["moment"] >= OPENING])
    sales = pd.concat(parts).sort_values(["moment", "shop"]).reset_index(drop=True)
    sales.loc[5, "amount"] = 400.0
    day = pd.date_range("2025-02-20", periods=25, freq="2D")
    quotes = pd.DataFrame({"day": day, "out": day + pd.Timedelta("3D"), "price": draws.normal(9, 1, 25)})
    shops = pd.DataFrame({"shop": ["north", "south"], "area": [120.0, 80.0]})
    return {"sales": sales, "quotes": quotes, "shops": shops}


_NORTH = "one = sales[sales['shop'] == 'north'].reset_index(drop=True)\n"
_ONE = "one = sales.filter(pl.col('shop') == 'north')\n"

# id: (library, source, output column, horizon where one is known exactly)
LEAKY: dict[str, tuple[str, str, str, str | None]] = {
    "the next row by a shift": ("pandas", _NORTH + "one['g'] = one['amount'].shift(-1)", "one.g", "6 hours"),
    "two rows ahead through a helper": (
        "pandas",
        "def peek(frame, column, by=2):\n    return frame[column].shift(-by)\n"
        + _NORTH
        + "one['g'] = peek(one, 'visits')",
        "one.g",
        "12 hours",
    ),
    "a group shifted backwards": (
        "pandas",
        "sales['g'] = sales.groupby('shop')['amount'].shift(periods=-4)",
        "sales.g",
        "24 hours",
    ),
    "a lag that crosses shops": (
        "pandas",
        "sales = sales.sort_values(['shop', 'moment']).reset_index(drop=True)\nsales['g'] = sales['visits'].shift(1)",
        "sales.g",
        None,
    ),
    "a window around the row": (
        "pandas",
        _NORTH + "one['g'] = one['amount'].rolling(9, center=True, min_periods=1).median()",
        "one.g",
        "24 hours",
    ),
    "a total from here to the end": (
        "pandas",
        _NORTH + "one['g'] = one['visits'][::-1].cumsum()[::-1]",
        "one.g",
        "the whole sample",
    ),
    "a mean of all rows": (
        "pandas",
        "sales['g'] = sales['amount'] / sales['amount'].mean()",
        "sales.g",
        None,
    ),
    "a rank among all rows": ("pandas", "sales['g'] = sales['amount'].rank()", "sales.g", None),
    "a maximum that lies early": (
        "pandas",
        "sales['g'] = sales['amount'] / sales['amount'].max()",
        "sales.g",
        None,
    ),
    "gaps filled backwards": ("pandas", _NORTH + "one['g'] = one['level'].bfill()", "one.g", None),
    "gaps drawn to the next value": (
        "pandas",
        _NORTH + "one['g'] = one['level'].interpolate()",
        "one.g",
        None,
    ),
    "gaps filled by the shop's mean": (
        "pandas",
        "mean = sales.groupby('shop')['level'].transform('mean')\nsales['g'] = sales['level'].fillna(mean)",
        "sales.g",
        None,
    ),
    "the day's total on each of its rows": (
        "pandas",
        "day = sales['moment'].dt.normalize()\nsales['g'] = sales.groupby(['shop', day])['visits'].transform('sum')",
        "sales.g",
        "18 hours",
    ),
    "a bar stamped at its start": (
        "pandas",
        "bars = sales.set_index('moment')['visits'].resample('2D').sum().rename('g').reset_index()",
        "bars.g",
        None,
    ),
    "how often a kind will appear": (
        "pandas",
        "sales['g'] = sales['kind'].map(sales['kind'].value_counts())",
        "sales.g",
        None,
    ),
    "codes of kinds not yet seen": (
        "pandas",
        "sales['g'] = sales['kind'].astype('category').cat.codes",
        "sales.g",
        None,
    ),
    "days until the data end": (
        "pandas",
        "sales['g'] = (sales['moment'].max() - sales['moment']) / pd.Timedelta('1D')",
        "sales.g",
        None,
    ),
    "shops kept for their long history": (
        "pandas",
        "kept = sales[sales.groupby('shop')['moment'].transform('size') > 100].copy()\nkept['g'] = kept['visits']",
        "kept.*",
        None,
    ),
    "a price on the day it counts for": (
        "pandas",
        (
            "sales = pd.merge_asof(sales.sort_values('moment'), quotes, left_on='moment', right_on='day')\n"
            "sales['g'] = sales['price'] * 2"
        ),
        "sales.g",
        None,
    ),
    "refunds that are not settled yet": (
        "pandas",
        _NORTH + "one['g'] = one['refund'].shift(1).rolling(6, min_periods=1).mean()",
        "one.g",
        None,
    ),
    "a loop that looks one ahead": (
        "pandas",
        _NORTH + "v = one['visits'].tolist()\none['g'] = [b - a for a, b in zip(v, v[1:] + [None])] "
        "if False else [v[min(i + 1, len(v) - 1)] for i in range(len(v))]",
        "one.g",
        "6 hours",
    ),
    "a scaler fitted on everything": (
        "pandas",
        (
            "from sklearn.preprocessing import MinMaxScaler\n"
            "sales['g'] = MinMaxScaler().fit_transform(sales[['amount']]).ravel()"
        ),
        "sales.g",
        None,
    ),
    "a moment of all rows in a class": (
        "pandas",
        (
            "class Centre:\n    def fit(self, values):\n        self.middle = values.median()\n        return self\n"
            "    def use(self, values):\n        return values - self.middle\n"
            "sales['g'] = Centre().fit(sales['amount']).use(sales['amount'])"
        ),
        "sales.g",
        None,
    ),
    "a convolution on both sides": (
        "pandas",
        _NORTH + "one['g'] = np.convolve(one['amount'], [0.25, 0.5, 0.25], mode='same')",
        "one.g",
        "6 hours",
    ),
    "polars: a negative shift": (
        "polars",
        "sales = sales.with_columns(g=pl.col('amount').shift(-1).over('shop'))",
        "sales.g",
        "6 hours",
    ),
    "polars: a mean over the shop": (
        "polars",
        "sales = sales.with_columns(g=pl.col('amount') - pl.col('amount').mean().over('shop'))",
        "sales.g",
        None,
    ),
    "polars: lazily filled backwards": (
        "polars",
        "lazy = sales.lazy().with_columns(g=pl.col('level').fill_null(strategy='backward').over('shop'))",
        "lazy.g",
        None,
    ),
    "polars: the nearest price": (
        "polars",
        (
            "sales = sales.sort('moment').join_asof(quotes.sort('out'), left_on='moment', right_on='out', strategy='nearest')"
            ".with_columns(g=pl.col('price') + 1)"
        ),
        "sales.g",
        None,
    ),
    "polars: a reversed total": (
        "polars",
        _ONE + "one = one.with_columns(g=pl.col('visits').cum_sum(reverse=True))",
        "one.g",
        None,
    ),
    "ibis: lead": (
        "ibis",
        "sales = sales.mutate(g=sales.amount.lead(2).over(ibis.window(group_by='shop', order_by='moment')))",
        "sales.g",
        "12 hours",
    ),
    "ibis: ordered but without a frame": (
        "ibis",
        "sales = sales.mutate(g=sales.visits.sum().over(ibis.window(group_by='shop', order_by='moment')))",
        "sales.g",
        None,
    ),
    "ibis: an aggregate joined back": (
        "ibis",
        "best = sales.group_by('shop').agg(g=sales.amount.max())\nsales = sales.join(best, 'shop')",
        "sales.g",
        None,
    ),
    "ibis: rows that follow": (
        "ibis",
        (
            "w = ibis.window(group_by='shop', order_by='moment', preceding=1, following=1)\n"
            "sales = sales.mutate(g=sales.amount.mean().over(w))"
        ),
        "sales.g",
        "6 hours",
    ),
    "sql: lead": (
        "sql",
        "select *, lead(amount) over (partition by shop order by moment) as g from sales",
        "found.g",
        "6 hours",
    ),
    "sql: an average over everything": (
        "sql",
        "select *, amount - avg(amount) over (partition by shop) as g from sales",
        "found.g",
        None,
    ),
    "sql: a subquery without a bound": (
        "sql",
        "select a.*, (select count(*) from sales b where b.kind = a.kind) as g from sales a",
        "found.g",
        None,
    ),
    "sql: later rows in a range": (
        "sql",
        (
            "select *, sum(visits) over (partition by shop order by moment range between current row and "
            "interval 1 day following) as g from sales"
        ),
        "found.g",
        "24 hours",
    ),
}

# id: (library, source, output column, why it is clean)
CLEAN: dict[str, tuple[str, str, str, str]] = {
    "the row before": ("pandas", _NORTH + "one['g'] = one['amount'].shift(1)", "one.g", "reads back"),
    "newest first and shifted back": (
        "pandas",
        _NORTH + "one['g'] = one.sort_values('moment', ascending=False)['amount'].shift(-1)",
        "one.g",
        "up in a falling order is the past",
    ),
    "a trailing window": (
        "pandas",
        "sales['g'] = sales.groupby('shop')['amount'].transform(lambda s: s.rolling(8, min_periods=1).mean())",
        "sales.g",
        "trails",
    ),
    "a long warm-up": (
        "pandas",
        _NORTH + "one['g'] = one['amount'].rolling(100).mean()",
        "one.g",
        "missing at the head is no leak",
    ),
    "an expanding rank": (
        "pandas",
        _NORTH + "one['g'] = one['amount'].expanding().rank()",
        "one.g",
        "past only",
    ),
    "the running maximum": (
        "pandas",
        "sales['g'] = sales.groupby('shop')['amount'].cummax()",
        "sales.g",
        "past",
    ),
    "an exponential mean": (
        "pandas",
        _NORTH + "one['g'] = one['amount'].ewm(span=9).mean()",
        "one.g",
        "past only",
    ),
    "gaps filled forwards": (
        "pandas",
        "sales['g'] = sales.groupby('shop')['level'].ffill()",
        "sales.g",
        "past",
    ),
    "the shop's area": (
        "pandas",
        "sales = sales.merge(shops, on='shop')\nsales['g'] = sales['visits'] / sales['area']",
        "sales.g",
        "the table is static",
    ),
    "rank among what is simultaneous": (
        "pandas",
        "sales['g'] = sales.groupby('moment')['amount'].rank()",
        "sales.g",
        "all known at the row's time",
    ),
    "the price once published": (
        "pandas",
        (
            "sales = pd.merge_asof(sales.sort_values('moment'), quotes, left_on='moment', right_on='out')\n"
            "sales['g'] = sales['price'] * 2"
        ),
        "sales.g",
        "joined on when it is known",
    ),
    "refunds once settled": (
        "pandas",
        (
            "done = sales[['settled', 'refund']].dropna().sort_values('settled')\n"
            "done['g'] = done['refund'].expanding().mean()\n"
            "sales = pd.merge_asof(sales.sort_values('moment', kind='stable'), done[['settled', 'g']].rename("
            "columns={'settled': 'seen'}), left_on='moment', right_on='seen')"
        ),
        "sales.g",
        "counts only settled refunds",
    ),
    "a bar stamped at its end": (
        "pandas",
        (
            "bars = sales.set_index('moment')['visits'].resample('2D', label='right', closed='right').sum()"
            ".rename('g').reset_index()"
        ),
        "bars.g",
        "a bar is complete at its stamp",
    ),
    "yesterday's total": (
        "pandas",
        (
            "day = sales['moment'].dt.normalize()\ntotals = sales.groupby(day)['visits'].sum().shift(1, freq='D')\n"
            "sales['g'] = day.map(totals)"
        ),
        "sales.g",
        "the day before is over",
    ),
    "one column for each kind": (
        "pandas",
        "wide = pd.concat([sales[['moment', 'shop']], pd.get_dummies(sales['kind'])], axis=1)",
        "wide",
        "an indicator of a kind still to come is zero",
    ),
    "a scaler fitted on the training period": (
        "pandas",
        (
            "from sklearn.preprocessing import StandardScaler\n"
            "early = sales['moment'] < pd.Timestamp('2025-03-25')\n"
            "scaler = StandardScaler().fit(sales.loc[early, ['amount']])\n"
            "sales['g'] = scaler.transform(sales[['amount']]).ravel()"
        ),
        "sales.g",
        "later rows use earlier ones",
    ),
    "means up to a date that is given": (
        "pandas",
        (
            "means = sales[sales['moment'] <= cutoff].groupby('kind')['amount'].mean()\n"
            "sales['g'] = sales['kind'].map(means)"
        ),
        "sales.g",
        "settled from the date on",
    ),
    "a statistic that is only printed": (
        "pandas",
        "print(sales['amount'].mean(), sales.tail(3))\nsales['g'] = sales['amount'] * 2",
        "sales.g",
        "reaches no column",
    ),
    "a label beside a feature": (
        "pandas",
        _NORTH + "one['target'] = one['amount'].shift(-1)\none['g'] = one['amount'].diff()",
        "one.g",
        "the column asked for is another",
    ),
    "rows without a past dropped": (
        "pandas",
        (
            "sales['g'] = sales.groupby('shop')['amount'].shift(3)\nsales = sales.dropna(subset=['g'])"
            ".sample(frac=1, random_state=4).reset_index(drop=True)"
        ),
        "sales.g",
        "filtered, shuffled and renumbered",
    ),
    "seeded noise beside a lag": (
        "pandas",
        (
            "draws = np.random.default_rng(3)\nsales['n'] = draws.normal(size=len(sales))\n"
            "sales['m'] = draws.normal(size=len(sales))\nsales['g'] = sales['visits'] + 0"
        ),
        "sales",
        "random columns are no leak",
    ),
    "a static attribute of the shop": (
        "pandas",
        (
            "sales['area'] = sales['shop'].map({'north': 1.0, 'south': 2.0})\n"
            "sales['g'] = sales.groupby('shop')['area'].transform('max')"
        ),
        "sales.g",
        "never changes",
    ),
    "float noise of a running sum": (
        "pandas",
        _NORTH + "one['g'] = (one['amount'] + 1e9).rolling(5).mean() - 1e9",
        "one.g",
        "the same prefix, the same noise",
    ),
    "polars: a lag over the shop": (
        "polars",
        "sales = sales.with_columns(g=pl.col('amount').shift(1).over('shop'))",
        "sales.g",
        "reads back",
    ),
    "polars: a rolling mean": (
        "polars",
        "lazy = sales.lazy().with_columns(g=pl.col('amount').rolling_mean(5, min_samples=1).over('shop'))",
        "lazy.g",
        "trails",
    ),
    "polars: windows by time": (
        "polars",
        _ONE + "one = one.with_columns(g=pl.col('visits').rolling_sum_by('moment', window_size='1d'))",
        "one.g",
        "trails",
    ),
    "polars: the published price": (
        "polars",
        (
            "sales = sales.sort('moment').join_asof(quotes.sort('out'), left_on='moment', right_on='out')"
            ".with_columns(g=pl.col('price') + 1)"
        ),
        "sales.g",
        "joined on when it is known",
    ),
    "ibis: lag": (
        "ibis",
        "sales = sales.mutate(g=sales.amount.lag(2).over(ibis.window(group_by='shop', order_by='moment')))",
        "sales.g",
        "reads back",
    ),
    "ibis: lead in a falling order": (
        "ibis",
        "w = ibis.window(group_by='shop', order_by=ibis.desc('moment'))\nsales = sales.mutate(g=sales.amount.lead(1).over(w))",
        "sales.g",
        "two negatives",
    ),
    "ibis: a cumulative mean": (
        "ibis",
        "w = ibis.cumulative_window(group_by='shop', order_by='moment')\nsales = sales.mutate(g=sales.amount.mean().over(w))",
        "sales.g",
        "past only",
    ),
    "ibis: the spread of a trailing window": (
        "ibis",
        "w = ibis.trailing_window(7, group_by='shop', order_by='moment')\nsales = sales.mutate(g=sales.amount.std().over(w))",
        "sales.g",
        "trails, with float noise of its own",
    ),
    "sql: lag": (
        "sql",
        "select *, lag(amount) over (partition by shop order by moment) as g from sales",
        "found.g",
        "reads back",
    ),
    "sql: a running average": (
        "sql",
        "select *, avg(amount) over (partition by shop order by moment) as g from sales",
        "found.g",
        "the default frame ends at the row",
    ),
    "sql: a subquery with a bound": (
        "sql",
        "select a.*, (select count(*) from sales b where b.kind = a.kind and b.moment < a.moment) as g from sales a",
        "found.g",
        "bounded by the row's time",
    ),
}
