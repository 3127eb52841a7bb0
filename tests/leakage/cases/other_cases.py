"""Pairs of cells in polars, Ibis, SQL and scikit-learn: the first leaks, the second does the same without."""

POLARS_SETUP = """
import polars as pl
trips = pl.read_parquet("trips.parquet").with_columns(pl.col("pickup_time").str.to_datetime())
"""
POLARS = {
    "lead": (
        "trips = trips.with_columns(pl.col('fare').shift(-1).alias('next_fare'))",
        "trips = trips.with_columns(pl.col('fare').shift(1).alias('last_fare'))",
    ),
    "lead in a lazy chain": (
        "out = trips.lazy().with_columns((pl.col('fare').shift(-2) - pl.col('fare')).alias('d')).collect()",
        "out = trips.lazy().with_columns((pl.col('fare') - pl.col('fare').shift(2)).alias('d')).collect()",
    ),
    "lead within drivers": (
        "trips = trips.with_columns(n=pl.col('fare').shift(-1).over('driver'))",
        "trips = trips.with_columns(n=pl.col('fare').shift(1).over('driver'))",
    ),
    "centred rolling": (
        "trips = trips.with_columns(m=pl.col('fare').rolling_mean(window_size=5, center=True))",
        "trips = trips.with_columns(m=pl.col('fare').rolling_mean(window_size=5))",
    ),
    "sum from the end": (
        "trips = trips.with_columns(left=pl.col('fare').cum_sum(reverse=True).over('driver'))",
        "trips = trips.with_columns(done=pl.col('fare').cum_sum().over('driver'))",
    ),
    "backward fill": (
        "trips = trips.with_columns(pl.col('tip').fill_null(strategy='backward'))",
        "trips = trips.with_columns(pl.col('tip').fill_null(strategy='forward'))",
    ),
    "interpolation": (
        "trips = trips.with_columns(t=pl.col('tip').interpolate())",
        "trips = trips.with_columns(t=pl.col('tip').forward_fill())",
    ),
    "z-score over all rows": (
        "trips = trips.with_columns(z=(pl.col('fare') - pl.col('fare').mean()) / pl.col('fare').std())",
        "trips = trips.with_columns(z=(pl.col('fare') - pl.col('fare').rolling_mean(50)) / pl.col('fare').rolling_std(50))",
    ),
    "driver's mean over all time": (
        "trips = trips.with_columns(avg=pl.col('fare').mean().over('driver'))",
        "trips = trips.with_columns(avg=pl.col('fare').shift(1).cum_sum().over('driver'))",
    ),
    "mean of the day": (
        "trips = trips.with_columns(avg=pl.col('fare').mean().over(pl.col('pickup_time').dt.truncate('1d')))",
        "trips = trips.with_columns(avg=pl.col('fare').mean().over('pickup_time'))",
    ),
    "join to totals": (
        "tot = trips.group_by('driver').agg(pl.col('fare').sum().alias('tot'))\ntrips = trips.join(tot, on='driver', how='left')",
        "trips = trips.with_columns(tot=pl.col('fare').cum_sum().over('driver') - pl.col('fare'))",
    ),
    "as-of join forwards": (
        (
            "weather = pl.read_parquet('weather.parquet')\n"
            "trips = trips.join_asof(weather, left_on='pickup_time', right_on='observed_at', strategy='nearest')"
        ),
        (
            "weather = pl.read_parquet('weather.parquet')\n"
            "trips = trips.join_asof(weather, left_on='pickup_time', right_on='observed_at', strategy='backward')"
        ),
    ),
    "lag of newest-first rows": (
        "trips = trips.sort('pickup_time', descending=True).with_columns(p=pl.col('fare').shift(1))",
        "trips = trips.sort('pickup_time').with_columns(p=pl.col('fare').shift(1))",
    ),
    "bars labelled left": (
        "bars = trips.group_by_dynamic('pickup_time', every='1h').agg(pl.col('fare').mean())",
        "bars = trips.group_by_dynamic('pickup_time', every='1h', label='right').agg(pl.col('fare').mean())",
    ),
    "rank over all time": (
        "trips = trips.with_columns(r=pl.col('fare').rank() / pl.len())",
        "trips = trips.with_columns(r=pl.col('fare').rank().over('pickup_time'))",
    ),
}

IBIS_SETUP = """
import ibis
from ibis import _
con = ibis.duckdb.connect()
visits = con.table("visits").order_by("admitted_at")
"""
IBIS = {
    "lead": (
        "visits = visits.mutate(n=visits.cost.lead().over(ibis.window(group_by='patient', order_by='admitted_at')))",
        "visits = visits.mutate(n=visits.cost.lag().over(ibis.window(group_by='patient', order_by='admitted_at')))",
    ),
    "lead by deferred": (
        "out = visits.group_by('patient').order_by('admitted_at').mutate(n=_.cost.lead(2))",
        "out = visits.group_by('patient').order_by('admitted_at').mutate(n=_.cost.lag(2))",
    ),
    "window that is ordered but open": (
        "w = ibis.window(group_by='patient', order_by='admitted_at')\nvisits = visits.mutate(m=visits.cost.mean().over(w))",
        "w = ibis.cumulative_window(group_by='patient', order_by='admitted_at')\nvisits = visits.mutate(m=visits.cost.mean().over(w))",
    ),
    "window around the row": (
        "visits = visits.mutate(m=_.cost.sum().over(ibis.window(preceding=2, following=2, order_by='admitted_at')))",
        "visits = visits.mutate(m=_.cost.sum().over(ibis.window(preceding=4, following=0, order_by='admitted_at')))",
    ),
    "rows from here to the end": (
        "visits = visits.mutate(m=_.cost.max().over(rows=(0, None), order_by='admitted_at'))",
        "visits = visits.mutate(m=_.cost.max().over(rows=(None, 0), order_by='admitted_at'))",
    ),
    "bare reduction": (
        "visits = visits.mutate(z=(_.cost - _.cost.mean()) / _.cost.std())",
        "visits = visits.mutate(z=_.cost / 100)",
    ),
    "mean of the group": (
        "visits = visits.group_by('ward').mutate(m=_.cost.mean())",
        "visits = visits.group_by('ward').order_by('admitted_at').mutate(m=_.cost.cummean())",
    ),
    "join to totals": (
        "tot = visits.group_by('patient').aggregate(total=_.cost.sum())\nvisits = visits.left_join(tot, 'patient')",
        "visits = visits.mutate(total=_.cost.sum().over(ibis.window(preceding=(None, 1), group_by='patient', order_by='admitted_at')))",
    ),
    "month's mean on each visit": (
        "visits = visits.mutate(m=_.cost.mean().over(ibis.window(group_by=_.admitted_at.truncate('M'))))",
        "visits = visits.mutate(m=_.cost.mean().over(ibis.trailing_window(30, order_by='admitted_at')))",
    ),
    "as-of join forwards": (
        "labs = con.table('labs')\nvisits = visits.asof_join(labs, on=visits.admitted_at <= labs.resulted_at)",
        "labs = con.table('labs')\nvisits = visits.asof_join(labs, on=visits.admitted_at >= labs.resulted_at)",
    ),
    "lag in descending order": (
        "visits = visits.mutate(p=_.cost.lag().over(order_by=ibis.desc('admitted_at')))",
        "visits = visits.mutate(p=_.cost.lag().over(order_by='admitted_at'))",
    ),
}

SQL_SETUP = "import duckdb\nimport pandas as pd\ncon = duckdb.connect('shop.db')\n"
SQL = {
    "lead": (
        "q = '''SELECT *, LEAD(amount, 2) OVER (PARTITION BY customer ORDER BY ordered_at) AS nxt FROM orders'''\nout = con.sql(q).df()",
        "q = '''SELECT *, LAG(amount, 2) OVER (PARTITION BY customer ORDER BY ordered_at) AS prv FROM orders'''\nout = con.sql(q).df()",
    ),
    "average of the customer": (
        "out = con.execute('SELECT o.*, AVG(amount) OVER (PARTITION BY customer) AS a, ordered_at AS t FROM orders o').df()",
        "out = con.execute('SELECT o.*, AVG(amount) OVER (PARTITION BY customer ORDER BY ordered_at) AS a FROM orders o').df()",
    ),
    "window with following rows": (
        (
            "out = duckdb.query('SELECT ordered_at, SUM(amount) OVER (ORDER BY ordered_at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s "
            "FROM orders').to_df()"
        ),
        (
            "out = duckdb.query('SELECT ordered_at, SUM(amount) OVER (ORDER BY ordered_at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s "
            "FROM orders').to_df()"
        ),
    ),
    "subquery over all rows": (
        "out = pd.read_sql('SELECT ordered_at, amount / (SELECT MAX(amount) FROM orders) AS r FROM orders', con)",
        "out = pd.read_sql('SELECT ordered_at, amount / MAX(amount) OVER (ORDER BY ordered_at) AS r FROM orders', con)",
    ),
    "count in a subquery": (
        (
            "out = con.sql('SELECT a.*, (SELECT COUNT(*) FROM orders b WHERE b.customer = a.customer AND b.ordered_at > a.ordered_at) AS n "
            "FROM orders a').df()"
        ),
        (
            "out = con.sql('SELECT a.*, (SELECT COUNT(*) FROM orders b WHERE b.customer = a.customer AND b.ordered_at < a.ordered_at) AS n "
            "FROM orders a').df()"
        ),
    ),
}

LEARNING_SETUP = "import numpy as np\nimport pandas as pd\n"
LEARNING = {
    "scaler before an ordered split": (
        (
            "from sklearn.preprocessing import RobustScaler\nfrom sklearn.svm import SVR\nfrom sklearn.model_selection import train_test_split\n"
            "table = pd.read_csv('wine.csv')\nX, y = table.drop('quality', axis=1), table['quality']\nX = RobustScaler().fit_transform(X)\n"
            "a, b, c, d = train_test_split(X, y, random_state=1)\nSVR().fit(a, c)"
        ),
        (
            "from sklearn.preprocessing import RobustScaler\nfrom sklearn.svm import SVR\nfrom sklearn.model_selection import train_test_split\n"
            "table = pd.read_csv('wine.csv')\nX, y = table.drop('quality', axis=1), table['quality']\n"
            "a, b, c, d = train_test_split(X, y, random_state=1)\nscaler = RobustScaler().fit(a)\nSVR().fit(scaler.transform(a), c)"
        ),
    ),
    "imputer through a class of one's own": (
        (
            "class Filler:\n    def fit(self, X):\n        self.m = X.mean()\n        return self\n    def transform(self, X):\n"
            "        return X.fillna(self.m)\nfrom sklearn.tree import DecisionTreeClassifier\n"
            "from sklearn.model_selection import train_test_split\ntable = pd.read_csv('wine.csv')\ny = table.pop('quality')\n"
            "full = Filler().fit(table).transform(table)\ntr, te, ytr, yte = train_test_split(full, y)\nDecisionTreeClassifier().fit(tr, ytr)"
        ),
        (
            "class Filler:\n    def fit(self, X):\n        self.m = X.mean()\n        return self\n    def transform(self, X):\n"
            "        return X.fillna(self.m)\nfrom sklearn.tree import DecisionTreeClassifier\n"
            "from sklearn.model_selection import train_test_split\ntable = pd.read_csv('wine.csv')\ny = table.pop('quality')\n"
            "tr, te, ytr, yte = train_test_split(table, y)\nf = Filler().fit(tr)\nDecisionTreeClassifier().fit(f.transform(tr), ytr)"
        ),
    ),
    "selection before cross-validation": (
        (
            "from sklearn.feature_selection import SelectKBest\nfrom sklearn.linear_model import LogisticRegression\n"
            "from sklearn.model_selection import cross_val_score\ngenes = pd.read_csv('genes.csv')\ny = genes['ill']\nX = genes.drop(columns=['ill'])\n"
            "best = SelectKBest(k=20).fit_transform(X, y)\nprint(cross_val_score(LogisticRegression(), best, y, cv=5))"
        ),
        (
            "from sklearn.feature_selection import SelectKBest\nfrom sklearn.linear_model import LogisticRegression\n"
            "from sklearn.pipeline import Pipeline\nfrom sklearn.model_selection import cross_val_score\ngenes = pd.read_csv('genes.csv')\ny = genes['ill']\n"
            "X = genes.drop(columns=['ill'])\npipe = Pipeline([('best', SelectKBest(k=20)), ('m', LogisticRegression())])\n"
            "print(cross_val_score(pipe, X, y, cv=5))"
        ),
    ),
    "vectoriser over all documents": (
        (
            "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.naive_bayes import MultinomialNB\n"
            "from sklearn.model_selection import train_test_split\nmails = pd.read_csv('mails.csv')\n"
            "M = TfidfVectorizer().fit_transform(mails['text'])\nA, B, ya, yb = train_test_split(M, mails['spam'])\nMultinomialNB().fit(A, ya)"
        ),
        (
            "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.naive_bayes import MultinomialNB\n"
            "from sklearn.model_selection import train_test_split\nmails = pd.read_csv('mails.csv')\n"
            "ta, tb, ya, yb = train_test_split(mails['text'], mails['spam'])\nv = TfidfVectorizer()\nMultinomialNB().fit(v.fit_transform(ta), ya)"
        ),
    ),
    "oversampling before the split": (
        (
            "from imblearn.over_sampling import RandomOverSampler\nfrom sklearn.ensemble import RandomForestClassifier\n"
            "from sklearn.model_selection import train_test_split\ncards = pd.read_csv('cards.csv')\n"
            "X, y = RandomOverSampler().fit_resample(cards.drop(columns='fraud'), cards['fraud'])\n"
            "Xa, Xb, ya, yb = train_test_split(X, y)\nRandomForestClassifier().fit(Xa, ya)"
        ),
        (
            "from imblearn.over_sampling import RandomOverSampler\nfrom sklearn.ensemble import RandomForestClassifier\n"
            "from sklearn.model_selection import train_test_split\ncards = pd.read_csv('cards.csv')\n"
            "Xa, Xb, ya, yb = train_test_split(cards.drop(columns='fraud'), cards['fraud'])\n"
            "Xa, ya = RandomOverSampler().fit_resample(Xa, ya)\nRandomForestClassifier().fit(Xa, ya)"
        ),
    ),
    "folds over rows in time": (
        (
            "from sklearn.model_selection import KFold\nbars = pd.read_csv('bars.csv', parse_dates=['stamp_time'])\n"
            "bars['r1'] = bars['close'].pct_change().shift(1)\nfor a, b in KFold(n_splits=4).split(bars):\n    train, test = bars.iloc[a], bars.iloc[b]"
        ),
        (
            "from sklearn.model_selection import TimeSeriesSplit\nbars = pd.read_csv('bars.csv', parse_dates=['stamp_time'])\n"
            "bars['r1'] = bars['close'].pct_change().shift(1)\nfor a, b in TimeSeriesSplit(n_splits=4).split(bars):\n"
            "    train, test = bars.iloc[a], bars.iloc[b]"
        ),
    ),
    "grid search with shuffled folds in time": (
        (
            "from sklearn.model_selection import GridSearchCV\nfrom sklearn.linear_model import Ridge\n"
            "bars = pd.read_csv('bars.csv', index_col='day', parse_dates=True)\nbars['lag'] = bars['close'].shift(1)\nbars = bars.dropna()\n"
            "GridSearchCV(Ridge(), {'alpha': [1, 2]}, cv=5).fit(bars[['lag']], bars['close'])"
        ),
        (
            "from sklearn.model_selection import GridSearchCV, TimeSeriesSplit\nfrom sklearn.linear_model import Ridge\n"
            "bars = pd.read_csv('bars.csv', index_col='day', parse_dates=True)\nbars['lag'] = bars['close'].shift(1)\nbars = bars.dropna()\n"
            "GridSearchCV(Ridge(), {'alpha': [1, 2]}, cv=TimeSeriesSplit(5)).fit(bars[['lag']], bars['close'])"
        ),
    ),
    "sample as training rows in time": (
        (
            "bars = pd.read_csv('bars.csv', parse_dates=['stamp_time'])\ntrain = bars.sample(frac=0.7, random_state=1)\n"
            "test = bars.loc[~bars.index.isin(train.index)]\nrest = bars.drop(train.index)"
        ),
        (
            "bars = pd.read_csv('bars.csv', parse_dates=['stamp_time'])\ncut = bars['stamp_time'].quantile(0.7)\n"
            "train = bars[bars['stamp_time'] < cut]\ntest = bars[bars['stamp_time'] >= cut]"
        ),
    ),
    "boosting stopped on the test rows": (
        (
            "from lightgbm import LGBMRegressor, early_stopping\nfrom sklearn.model_selection import train_test_split\n"
            "table = pd.read_csv('wine.csv')\nXa, Xt, ya, yt = train_test_split(table.drop(columns='q'), table['q'])\n"
            "m = LGBMRegressor()\nm.fit(Xa, ya, eval_set=[(Xt, yt)], callbacks=[early_stopping(20)])\nprint(m.score(Xt, yt))"
        ),
        (
            "from lightgbm import LGBMRegressor, early_stopping\nfrom sklearn.model_selection import train_test_split\n"
            "table = pd.read_csv('wine.csv')\nXa, Xt, ya, yt = train_test_split(table.drop(columns='q'), table['q'])\n"
            "Xf, Xv, yf, yv = train_test_split(Xa, ya)\nm = LGBMRegressor()\nm.fit(Xf, yf, eval_set=[(Xv, yv)], callbacks=[early_stopping(20)])\n"
            "print(m.score(Xt, yt))"
        ),
    ),
    "depth chosen by the test score": (
        (
            "from sklearn.tree import DecisionTreeRegressor\nfrom sklearn.model_selection import train_test_split\n"
            "table = pd.read_csv('wine.csv')\nXa, Xt, ya, yt = train_test_split(table.drop(columns='q'), table['q'])\nbest = -1\n"
            "for depth in range(2, 30):\n    m = DecisionTreeRegressor(max_depth=depth).fit(Xa, ya)\n    s = m.score(Xt, yt)\n"
            "    if s > best:\n        best, best_depth = s, depth"
        ),
        (
            "from sklearn.tree import DecisionTreeRegressor\nfrom sklearn.model_selection import GridSearchCV, train_test_split\n"
            "table = pd.read_csv('wine.csv')\nXa, Xt, ya, yt = train_test_split(table.drop(columns='q'), table['q'])\n"
            "g = GridSearchCV(DecisionTreeRegressor(), {'max_depth': range(2, 30)}).fit(Xa, ya)\nprint(g.score(Xt, yt))"
        ),
    ),
    "label left among the features": (
        (
            "from sklearn.linear_model import LogisticRegression\npeople = pd.read_csv('people.csv')\n"
            "LogisticRegression().fit(people[['age', 'income', 'default']], people['default'])"
        ),
        (
            "from sklearn.linear_model import LogisticRegression\npeople = pd.read_csv('people.csv')\n"
            "LogisticRegression().fit(people[['age', 'income']], people['default'])"
        ),
    ),
    "target encoder before the split": (
        (
            "from category_encoders import TargetEncoder\nfrom sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\n"
            "homes = pd.read_csv('homes.csv')\ny = homes['price']\nX = TargetEncoder().fit_transform(homes[['zip', 'kind']], y)\n"
            "Xa, Xb, ya, yb = train_test_split(X, y)\nRidge().fit(Xa, ya)"
        ),
        (
            "from category_encoders import TargetEncoder\nfrom sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\n"
            "homes = pd.read_csv('homes.csv')\nXa, Xb, ya, yb = train_test_split(homes[['zip', 'kind']], homes['price'])\n"
            "e = TargetEncoder().fit(Xa, ya)\nRidge().fit(e.transform(Xa), ya)"
        ),
    ),
    "column scaled in place before a cut": (
        (
            "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.linear_model import Ridge\n"
            "bars = pd.read_csv('bars.csv', parse_dates=['day'])\nbars[['vol']] = MinMaxScaler().fit_transform(bars[['vol']])\n"
            "bars['y'] = bars['close'].shift(-1)\nn = int(len(bars) * .8)\ntrain, test = bars.iloc[:n], bars.iloc[n:]\n"
            "Ridge().fit(train[['vol']], train['y'])"
        ),
        (
            "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.linear_model import Ridge\n"
            "bars = pd.read_csv('bars.csv', parse_dates=['day'])\nbars['y'] = bars['close'].shift(-1)\nn = int(len(bars) * .8)\n"
            "train, test = bars.iloc[:n], bars.iloc[n:]\ns = MinMaxScaler().fit(train[['vol']])\nRidge().fit(s.transform(train[['vol']]), train['y'])"
        ),
    ),
    "recurrent windows over a scaled series": (
        (
            "from sklearn.preprocessing import MinMaxScaler\nfrom keras.models import Sequential\nfrom keras.layers import LSTM, Dense\n"
            "frame = pd.read_csv('goog.csv')\nvalues = MinMaxScaler().fit_transform(frame[['Close']])\nX, y = [], []\n"
            "for i in range(60, len(values)):\n    X.append(values[i - 60:i, 0])\n    y.append(values[i, 0])\nX, y = np.array(X), np.array(y)\n"
            "n = int(len(X) * 0.8)\nX_train, y_train = X[:n], y[:n]\nmodel = Sequential()\nmodel.add(LSTM(8))\nmodel.add(Dense(1))\nmodel.fit(X_train, y_train)"
        ),
        (
            "from sklearn.preprocessing import MinMaxScaler\nfrom keras.models import Sequential\nfrom keras.layers import LSTM, Dense\n"
            "frame = pd.read_csv('goog.csv')\nn = int(len(frame) * 0.8)\ntrain = frame[['Close']].iloc[:n]\n"
            "values = MinMaxScaler().fit_transform(train)\nX, y = [], []\n"
            "for i in range(60, len(values)):\n    X.append(values[i - 60:i, 0])\n    y.append(values[i, 0])\nX, y = np.array(X), np.array(y)\n"
            "model = Sequential()\nmodel.add(LSTM(8))\nmodel.add(Dense(1))\nmodel.fit(X, y)"
        ),
    ),
    "overlapping slices": (
        "train = samples[:700]\ntest = samples[600:]",
        "train = samples[:700]\ntest = samples[700:]",
    ),
    "test fitted on its own": (
        (
            "from sklearn.decomposition import PCA\nfrom sklearn.svm import SVC\np = PCA(3)\nm = SVC().fit(p.fit_transform(X_train), y_train)\n"
            "print(m.predict(p.fit_transform(X_test)))"
        ),
        (
            "from sklearn.decomposition import PCA\nfrom sklearn.svm import SVC\np = PCA(3)\nm = SVC().fit(p.fit_transform(X_train), y_train)\n"
            "print(m.predict(p.transform(X_test)))"
        ),
    ),
    "means of all rows after the split": (
        (
            "from sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\nt = pd.read_csv('wine.csv')\n"
            "Xa, Xb, ya, yb = train_test_split(t[['a', 'b']], t['q'])\nXa = Xa.fillna(t[['a', 'b']].mean())\nRidge().fit(Xa, ya)"
        ),
        (
            "from sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\nt = pd.read_csv('wine.csv')\n"
            "Xa, Xb, ya, yb = train_test_split(t[['a', 'b']], t['q'])\nXa = Xa.fillna(Xa.mean())\nRidge().fit(Xa, ya)"
        ),
    ),
}

SILENT = {
    "shuffled split of rows without time": (
        "the rows are independent",
        (
            "import pandas as pd\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.svm import SVC\nt = pd.read_csv('iris.csv')\n"
            "Xa, Xb, ya, yb = train_test_split(t.drop(columns='species'), t['species'])\nSVC().fit(Xa, ya)"
        ),
    ),
    "scaler in a column transformer in a pipeline": (
        "it is fitted on the training rows with the model",
        (
            "import pandas as pd\nfrom sklearn.compose import ColumnTransformer\nfrom sklearn.pipeline import Pipeline\nfrom sklearn.preprocessing import *\n"
            "from sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\nt = pd.read_csv('homes.csv')\n"
            "ct = ColumnTransformer([('n', StandardScaler(), ['sqm']), ('c', OneHotEncoder(), ['kind'])])\n"
            "Xa, Xb, ya, yb = train_test_split(t[['sqm', 'kind']], t['price'])\nPipeline([('ct', ct), ('m', Ridge())]).fit(Xa, ya)"
        ),
    ),
    "labels encoded before the split": (
        "codes of the label hold nothing of other rows",
        (
            "import pandas as pd\nfrom sklearn.preprocessing import LabelEncoder\nfrom sklearn.svm import SVC\n"
            "from sklearn.model_selection import train_test_split\nt = pd.read_csv('iris.csv')\ny = LabelEncoder().fit_transform(t['species'])\n"
            "Xa, Xb, ya, yb = train_test_split(t[['a', 'b']], y)\nSVC().fit(Xa, ya)"
        ),
    ),
    "walk-forward fits": (
        "each fold is scaled by its own training rows",
        (
            "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.linear_model import Ridge\n"
            "from sklearn.model_selection import TimeSeriesSplit\nb = pd.read_csv('bars.csv', parse_dates=['day'])\nb['y'] = b['close'].shift(-1)\n"
            "for a, z in TimeSeriesSplit(5).split(b):\n    s = StandardScaler().fit(b.iloc[a][['close']])\n"
            "    m = Ridge().fit(s.transform(b.iloc[a][['close']]), b.iloc[a]['y'])\n    print(m.predict(s.transform(b.iloc[z][['close']])))"
        ),
    ),
    "separate files": (
        "what is fitted on one file says nothing of the other",
        (
            "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.svm import SVC\ntr = pd.read_csv('train.csv')\n"
            "te = pd.read_csv('test.csv')\ns = StandardScaler().fit(tr[['a']])\nm = SVC().fit(s.transform(tr[['a']]), tr['y'])\nm.predict(s.transform(te[['a']]))"
        ),
    ),
    "three-way split": (
        "the choice is made on the validation rows, the test is scored once",
        (
            "import pandas as pd\nfrom sklearn.linear_model import Ridge\nfrom sklearn.model_selection import train_test_split\nt = pd.read_csv('wine.csv')\n"
            "Xd, Xt, yd, yt = train_test_split(t[['a']], t['q'])\nXa, Xv, ya, yv = train_test_split(Xd, yd)\nbest = 0\n"
            "for a in (0.1, 1, 10):\n    m = Ridge(alpha=a).fit(Xa, ya)\n    if m.score(Xv, yv) > best:\n        best, best_m = m.score(Xv, yv), m\n"
            "print(best_m.score(Xt, yt))"
        ),
    ),
    "groups kept together": (
        "the splitter knows the patients",
        (
            "import pandas as pd\nfrom sklearn.model_selection import GroupKFold\nt = pd.read_csv('scans.csv')\n"
            "for a, b in GroupKFold(5).split(t, groups=t['patient']):\n    train, test = t.iloc[a], t.iloc[b]"
        ),
    ),
}
