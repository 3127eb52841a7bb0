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
    "impute mean pre split": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "d['age'] = d['age'].fillna(d['age'].mean())\nX = d.drop('churn', axis=1)\ny = d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\nLogisticRegression().fit(Xa, ya)",
    ),
    "impute const": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "d['age'] = d['age'].fillna(0)\nX = d.drop('churn', axis=1)\ny = d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\nLogisticRegression().fit(Xa, ya)",
    ),
    "dummies": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "d = pd.get_dummies(d, columns=['state'])\nX = d.drop('churn', axis=1)\ny = d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\nm = RandomForestClassifier().fit(Xa, ya)\nprint(accuracy_score(yb, m.predict(Xb)))",
    ),
    "le each col": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "for col in d.select_dtypes('object').columns:\n    d[col] = LabelEncoder().fit_transform(d[col])\nX = d.drop('churn', axis=1)\ny = d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\nRandomForestClassifier().fit(Xa, ya)",
    ),
    "loc columns": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "features = [c for c in d.columns if c not in ('churn', 'id')]\nXa, Xb, ya, yb = train_test_split(d[features], d['churn'])\nRandomForestClassifier().fit(Xa, ya)",
    ),
    "pipeline grid": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X, y = d.drop(columns='churn'), d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\np = make_pipeline(StandardScaler(), LogisticRegression())\ng = GridSearchCV(p, {'logisticregression__C': [1, 10]}, cv=5)\ng.fit(Xa, ya)\nprint(g.score(Xb, yb))",
    ),
    "scaler both": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X, y = d.drop(columns='churn'), d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\ns = StandardScaler()\nXa = s.fit_transform(Xa)\nXb = s.fit_transform(Xb)\nm = LogisticRegression().fit(Xa, ya)\nm.predict(Xb)",
    ),
    "scaler right": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X, y = d.drop(columns='churn'), d['churn']\nXa, Xb, ya, yb = train_test_split(X, y)\ns = StandardScaler()\nXa = s.fit_transform(Xa)\nXb = s.transform(Xb)\nm = LogisticRegression().fit(Xa, ya)\nm.predict(Xb)",
    ),
    "fn prepare leak": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "def prepare(frame):\n    out = frame.copy()\n    out[['a', 'b']] = MinMaxScaler().fit_transform(out[['a', 'b']])\n    return out\nd = prepare(d)\nXa, Xb, ya, yb = train_test_split(d[['a', 'b']], d['churn'])\nLogisticRegression().fit(Xa, ya)",
    ),
    "iloc X y": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X = d.iloc[:, :-1].values\ny = d.iloc[:, -1].values\nXa, Xb, ya, yb = train_test_split(X, y)\nRandomForestClassifier().fit(Xa, ya)",
    ),
    "iloc X y scaled": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X = d.iloc[:, :-1].values\ny = d.iloc[:, -1].values\nX = StandardScaler().fit_transform(X)\nXa, Xb, ya, yb = train_test_split(X, y)\nRandomForestClassifier().fit(Xa, ya)",
    ),
    "smote cv": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\nfrom imblearn.over_sampling import SMOTE\n",
        "X, y = SMOTE().fit_resample(d.drop(columns='churn'), d['churn'])\nprint(cross_val_score(LogisticRegression(), X, y, cv=5))",
    ),
    "many models": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "Xa, Xb, ya, yb = train_test_split(d.drop(columns='churn'), d['churn'])\nfor m in [LogisticRegression(), RandomForestClassifier()]:\n    m.fit(Xa, ya)\n    print(m.score(Xb, yb))",
    ),
    "target enc train": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "tr, te = train_test_split(d)\nmeans = tr.groupby('state')['churn'].mean()\ntr['enc'] = tr['state'].map(means)\nte['enc'] = te['state'].map(means)\nLogisticRegression().fit(tr[['enc']], tr['churn'])",
    ),
    "target enc all": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "means = d.groupby('state')['churn'].mean()\nd['enc'] = d['state'].map(means)\ntr, te = train_test_split(d)\nLogisticRegression().fit(tr[['enc']], tr['churn'])",
    ),
    "drop dup": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "d = d.drop_duplicates()\nXa, Xb, ya, yb = train_test_split(d[['a']], d['churn'])\nLogisticRegression().fit(Xa, ya)",
    ),
    "kfold scaled outside": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X = StandardScaler().fit_transform(d[['a', 'b']])\ny = d['churn'].values\nfor i, j in KFold(5).split(X):\n    m = LogisticRegression().fit(X[i], y[i])\n    print(m.score(X[j], y[j]))",
    ),
    "kfold scaled inside": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "X = d[['a', 'b']].values\ny = d['churn'].values\nfor i, j in KFold(5).split(X):\n    s = StandardScaler().fit(X[i])\n    m = LogisticRegression().fit(s.transform(X[i]), y[i])\n    print(m.score(s.transform(X[j]), y[j]))",
    ),
    "log target": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "y = np.log1p(d['price'])\nX = d.drop(columns=['price'])\nXa, Xb, ya, yb = train_test_split(X, y)\nRidge().fit(Xa, ya)",
    ),
    "scaled y": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "y = StandardScaler().fit_transform(d[['price']])\nX = d[['a', 'b']]\nXa, Xb, ya, yb = train_test_split(X, y)\nRidge().fit(Xa, ya)",
    ),
    "eda only": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\n",
        "d['age_z'] = (d['age'] - d['age'].mean()) / d['age'].std()\nd['age_z'].hist()",
    ),
    "kmeans eda": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\nfrom sklearn.cluster import KMeans\nimport matplotlib.pyplot as plt\n",
        "X = StandardScaler().fit_transform(d[['a', 'b']])\nkm = KMeans(3).fit(X)\nplt.scatter(X[:, 0], X[:, 1], c=km.labels_)",
    ),
    "forecast lags": (
        False,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\ns = pd.read_csv('s.csv', index_col='date', parse_dates=True)\n",
        "s['lag1'] = s['qty'].shift(1)\ns = s.dropna()\ntrain, test = s[:-30], s[-30:]\nm = Ridge().fit(train[['lag1']], train['qty'])\nprint(m.predict(test[['lag1']]))",
    ),
    "forecast own": (
        True,
        "import pandas as pd\nimport numpy as np\nfrom sklearn.model_selection import *\nfrom sklearn.preprocessing import *\nfrom sklearn.linear_model import *\nfrom sklearn.ensemble import *\nfrom sklearn.pipeline import *\nfrom sklearn.metrics import *\nd = pd.read_csv('churn.csv')\ns = pd.read_csv('s.csv', index_col='date', parse_dates=True)\n",
        "s['ma'] = s['qty'].rolling(7).mean()\ns = s.dropna()\ntrain, test = s[:-30], s[-30:]\nm = Ridge().fit(train[['ma']], train['qty'])",
    ),
    "ibis cume": (
        False,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.mutate(r=ibis.row_number().over(group_by='k', order_by='ts'))",
    ),
    "ibis named window": (
        True,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "w = ibis.window(group_by=_.k, order_by=_.ts.desc())\nt = t.mutate(p=_.v.lag(1).over(w))",
    ),
    "ibis filter": (
        True,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.filter(_.v < _.v.quantile(0.99))",
    ),
    "ibis ok filter": (
        False,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.filter(_.v < 100).mutate(f=_.v.log())",
    ),
    "ibis target": (
        False,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.mutate(target=_.v.lead(1).over(order_by='ts'))",
    ),
    "ibis range": (
        True,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.mutate(m=_.v.mean().over(ibis.range_window(preceding=ibis.interval(days=1), following=ibis.interval(days=1), order_by='ts')))",
    ),
    "ibis range ok": (
        False,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.mutate(m=_.v.mean().over(ibis.range_window(preceding=ibis.interval(days=1), following=0, order_by='ts')))",
    ),
    "ibis case": (
        False,
        "import ibis\nfrom ibis import _\nt = ibis.read_parquet('f.parquet')\nt = t.order_by('ts')\n",
        "t = t.mutate(m=ibis.cases((_.v > 1, 'a'), else_='b'))",
    ),
    "pl cols many": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns(pl.col('a', 'b').shift(-1).name.suffix('_n'))",
    ),
    "pl cols many ok": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns(pl.col('a', 'b').shift(1).name.suffix('_p'))",
    ),
    "pl lags list": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns([pl.col('a').shift(k).alias(f'a{k}') for k in (1, 2, -3)])",
    ),
    "pl lags list ok": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns([pl.col('a').shift(k).alias(f'a{k}') for k in (1, 2, 3)])",
    ),
    "pl minmax": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns(((pl.col('a') - pl.col('a').min()) / (pl.col('a').max() - pl.col('a').min())).alias('s'))",
    ),
    "pl rolling by": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns(pl.col('a').rolling_mean_by('ts', window_size='7d').alias('m'))",
    ),
    "pl group rolling": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "m = d.rolling(index_column='ts', period='3d').agg(pl.col('a').mean().alias('m'))",
    ),
    "pl filter quant": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.filter(pl.col('a') < pl.col('a').quantile(0.99))",
    ),
    "pl when fill": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "d = d.with_columns(pl.when(pl.col('a').is_null()).then(0).otherwise(pl.col('a')).alias('a0'))",
    ),
    "pl pipe fn": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "def z(e):\n    return (e - e.mean()) / e.std()\nd = d.with_columns(z(pl.col('a')).alias('z'))",
    ),
    "pl pipe fn over": (
        False,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "def z(e):\n    return (e - e.mean().over('ts')) / e.std().over('ts')\nd = d.with_columns(z(pl.col('a')).alias('z'))",
    ),
    "pl eager series": (
        True,
        "import polars as pl\nimport polars.selectors as cs\nd = pl.read_parquet('d.parquet').sort('ts')\n",
        "s = d['a']\nd = d.with_columns(pl.Series('n', s.shift(-1)))",
    ),
    "sql cte": (
        True,
        "import duckdb\ncon = duckdb.connect()\n",
        "q = '''WITH m AS (SELECT k, AVG(v) AS mv FROM ev GROUP BY k) SELECT e.*, m.mv FROM ev e JOIN m USING (k) ORDER BY e.ts'''\nout = con.execute(q).fetchdf()",
    ),
    "sql fstring": (
        True,
        "import duckdb\ncon = duckdb.connect()\n",
        "n = 3\nout = con.sql(f'SELECT *, LEAD(v, {n}) OVER (ORDER BY ts) AS f FROM ev').df()",
    ),
    "sql fstring ok": (
        False,
        "import duckdb\ncon = duckdb.connect()\n",
        "n = 3\nout = con.sql(f'SELECT *, LAG(v, {n}) OVER (ORDER BY ts) AS f FROM ev').df()",
    ),
    "sql cell": (True, "%load_ext sql", "%%sql\nSELECT *, LEAD(v) OVER (ORDER BY ts) AS f FROM ev"),
    "sql label": (
        False,
        "import duckdb\ncon = duckdb.connect()\n",
        "out = con.sql('SELECT *, LEAD(v) OVER (ORDER BY ts) AS target FROM ev').df()",
    ),
    "sql plain": (
        False,
        "import duckdb\ncon = duckdb.connect()\n",
        "out = con.sql('SELECT ts, v * 2 AS f FROM ev WHERE v > 0').df()",
    ),
    "sql spark": (
        True,
        "spark = get()",
        "out = spark.sql('SELECT *, AVG(v) OVER (PARTITION BY k) AS f, ts FROM ev')",
    ),
}
