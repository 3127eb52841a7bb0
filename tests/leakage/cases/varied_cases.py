"""Cells written in many ways, with the word whether they leak: rows, classes, loops, queries, folds."""

SETUP = "import pandas as pd\nimport numpy as np\nsales = pd.read_csv('s.csv', parse_dates=['week'])\n"

CELLS = {
    "apply row": (False, SETUP, "sales['f'] = sales.apply(lambda r: r['a'] / r['b'], axis=1)"),
    "apply row stat": (
        True,
        SETUP,
        "m = sales['a'].mean()\nsales['f'] = sales.apply(lambda r: r['a'] / m, axis=1)",
    ),
    "np.select": (False, SETUP, "sales['f'] = np.select([sales['a'] > 1], [sales['b']], default=0)"),
    "groupby apply func": (
        True,
        SETUP,
        "def feats(g):\n    g = g.sort_values('week')\n    g['nxt'] = g['a'].shift(-1)\n    return g\nsales = sales.groupby('shop', group_keys=False).apply(feats)",
    ),
    "groupby apply func ok": (
        False,
        SETUP,
        "def feats(g):\n    g = g.sort_values('week')\n    g['prv'] = g['a'].shift(1)\n    g['ma'] = g['a'].shift(1).rolling(4).mean()\n    return g\nsales = sales.groupby('shop', group_keys=False).apply(feats)",
    ),
    "lag loop": (
        False,
        SETUP,
        "for lag in [1, 7, 28]:\n    sales[f'lag_{lag}'] = sales.groupby('shop')['a'].shift(lag)\nfor w in (7, 28):\n    sales[f'mean_{w}'] = sales.groupby('shop')['a'].transform(lambda s: s.shift(1).rolling(w).mean())",
    ),
    "lag loop leak": (
        True,
        SETUP,
        "for lag in [1, 7, -7]:\n    sales[f'lag_{lag}'] = sales.groupby('shop')['a'].shift(lag)",
    ),
    "class": (
        True,
        SETUP,
        "class FE:\n    def __init__(self, k):\n        self.k = k\n    def add(self, d):\n        d['x'] = d['a'].shift(-self.k)\n        return d\nsales = FE(3).add(sales)",
    ),
    "class ok": (
        False,
        SETUP,
        "class FE:\n    def __init__(self, k):\n        self.k = k\n    def add(self, d):\n        d['x'] = d['a'].shift(self.k)\n        return d\nsales = FE(3).add(sales)",
    ),
    "dict of lags": (
        True,
        SETUP,
        "CONFIG = {'horizons': [-1, -2]}\nfor h in CONFIG['horizons']:\n    sales['h%d' % h] = sales['a'].diff(h)",
    ),
    "query": (
        False,
        SETUP,
        "train = sales.query('week < \"2024-01-01\"')\nmu = train['a'].mean()\nsales['f'] = sales['a'] - mu",
    ),
    "between": (
        False,
        SETUP,
        "past = sales[sales['week'].between('2020-01-01', '2022-12-31')]\nsales['f'] = sales['a'] / past['a'].max()",
    ),
    "index loc": (
        False,
        SETUP,
        "sales = sales.set_index('week').sort_index()\nmu = sales.loc[:'2022', 'a'].mean()\nsales['f'] = sales['a'] - mu",
    ),
    "index loc leak": (
        True,
        SETUP,
        "sales = sales.set_index('week').sort_index()\nmu = sales.loc['2022':, 'a'].mean()\nsales['f'] = sales['a'] - mu",
    ),
    "polars lazy sql": (
        True,
        "import polars as pl\nd = pl.scan_csv('d.csv', try_parse_dates=True).sort('time')",
        "out = d.with_columns([pl.col('p').shift(-1).over('sym').alias('n'), pl.col('p').rolling_mean(3).alias('m')]).collect()",
    ),
    "polars ok": (
        False,
        "import polars as pl\nd = pl.scan_csv('d.csv', try_parse_dates=True).sort('time')",
        "out = d.with_columns([pl.col('p').shift(1).over('sym').alias('n'), pl.col('p').rolling_mean(3).alias('m')]).collect()",
    ),
    "polars when": (
        True,
        "import polars as pl\nd = pl.read_csv('d.csv').sort('time')",
        "d = d.with_columns(pl.when(pl.col('p') > pl.col('p').mean()).then(1).otherwise(0).alias('hi'))",
    ),
    "polars label": (
        False,
        "import polars as pl\nd = pl.read_csv('d.csv').sort('time')",
        "d = d.with_columns((pl.col('p').shift(-1) / pl.col('p') - 1).alias('target'))",
    ),
    "merge_asof knows": (
        False,
        SETUP,
        "px = pd.read_csv('px.csv', parse_dates=['quoted_at'])\nsales = pd.merge_asof(sales.sort_values('week'), px.sort_values('quoted_at'), left_on='week', right_on='quoted_at', by='shop', tolerance=pd.Timedelta('2d'))",
    ),
    "y arrays": (
        False,
        SETUP,
        "y = sales['a'].shift(-1).values\nX = sales[['a', 'b']].values\nfrom sklearn.linear_model import Ridge\nRidge().fit(X[:100], y[:100])",
    ),
    "expanding groupby": (
        False,
        SETUP,
        "sales['f'] = sales.groupby('shop')['a'].expanding().mean().reset_index(level=0, drop=True)",
    ),
    "expanding incl own target": (
        True,
        SETUP,
        "sales['f'] = sales.groupby('shop')['target'].expanding().mean().reset_index(level=0, drop=True)",
    ),
    "cumsum minus": (
        False,
        SETUP,
        "g = sales.groupby('shop')['target']\nsales['te'] = (g.cumsum() - sales['target']) / (g.cumcount())",
    ),
    "ewm": (False, SETUP, "sales['f'] = sales['a'].ewm(halflife=3).mean().shift()"),
    "holdout cut": (
        False,
        SETUP,
        "cut = int(len(sales) * .8)\ntrain, test = sales[:cut], sales[cut:]\nfrom sklearn.preprocessing import StandardScaler\nsc = StandardScaler().fit(train[['a']])\ntr, te = sc.transform(train[['a']]), sc.transform(test[['a']])",
    ),
    "scaled then cut": (
        True,
        SETUP,
        "from sklearn.preprocessing import StandardScaler\nfrom sklearn.linear_model import Ridge\nsales['a'] = StandardScaler().fit_transform(sales[['a']])\ntrain = sales[sales['week'] < '2023-01-01']\nRidge().fit(train[['a']], train['target'])",
    ),
    "pct rank daily": (
        False,
        SETUP,
        "sales['f'] = sales.groupby('week')['a'].transform(lambda x: x.rank(pct=True))",
    ),
    "iterrows": (
        True,
        SETUP,
        "out = []\nfor i, row in sales.iterrows():\n    out.append(sales.loc[i + 1, 'a'] if i + 1 < len(sales) else np.nan)\nsales['f'] = out",
    ),
    "ibis sql": (
        True,
        "import ibis\ncon = ibis.connect('duckdb://')\n",
        "t = con.sql('SELECT *, lead(v) OVER (PARTITION BY k ORDER BY ts) AS nv FROM ev')",
    ),
}
