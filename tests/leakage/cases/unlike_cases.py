"""Pairs of cells written in ways unlike the other tables: nested calls, helpers, classes, loops, frames turned around."""

PANDAS_SETUP = """
import numpy as np
import pandas as pd

meters = pd.read_csv("meters.csv", parse_dates=["read_at"]).sort_values(["read_at"])
tariffs = pd.read_csv("tariffs.csv", parse_dates=["valid_from"]).sort_values("valid_from")
TRAIN_END = pd.Timestamp("2023-06-30")
"""
PANDAS = {
    "shift by a keyword from a dict": (
        "opts = {'periods': -3}\nmeters['kwh_s'] = meters['kwh'].shift(**opts)",
        "opts = {'periods': 3}\nmeters['kwh_s'] = meters['kwh'].shift(**opts)",
    ),
    "shift of several columns at once": (
        "moved = meters[['kwh', 'temp']].shift(-1).add_suffix('_m')\nmeters = meters.join(moved)",
        "moved = meters[['kwh', 'temp']].shift(1).add_suffix('_m')\nmeters = meters.join(moved)",
    ),
    "lags from a comprehension of series": (
        "lagged = pd.concat({f'lag{k}': meters.kwh.shift(k) for k in range(-2, 3)}, axis=1)\nmeters = pd.concat([meters, lagged], axis=1)",
        "lagged = pd.concat({f'lag{k}': meters.kwh.shift(k) for k in range(1, 3)}, axis=1)\nmeters = pd.concat([meters, lagged], axis=1)",
    ),
    "shift by a list of periods": (
        "meters = meters.join(meters[['kwh']].shift([-1, -2]))",
        "meters = meters.join(meters[['kwh']].shift([1, 2]))",
    ),
    "shift by an arithmetic expression": (
        "H = 24\nmeters['same_hour'] = meters['kwh'].shift(H - 2 * H)",
        "H = 24\nmeters['same_hour'] = meters['kwh'].shift(2 * H - H)",
    ),
    "shift in time by an offset": (
        "s = meters.set_index('read_at')['kwh']\nout = s.to_frame('kwh').assign(nxt=s.shift(-1, freq='D'))",
        "s = meters.set_index('read_at')['kwh']\nout = s.to_frame('kwh').assign(prv=s.shift(1, freq='D'))",
    ),
    "diff backwards within a group": (
        "meters['jump'] = meters.groupby('meter')['kwh'].diff(-1)",
        "meters['jump'] = meters.groupby('meter')['kwh'].diff(1)",
    ),
    "change to the next value by hand": (
        "meters['rel'] = meters['kwh'].shift(-1).sub(meters['kwh']).div(meters['kwh'])",
        "meters['rel'] = meters['kwh'].sub(meters['kwh'].shift(1)).div(meters['kwh'].shift(1))",
    ),
    "reversed, summed up, reversed": (
        "meters['to_come'] = meters['kwh'].iloc[::-1].cumsum().iloc[::-1]",
        "meters['so_far'] = meters['kwh'].cumsum()",
    ),
    "reversed rolling minimum": (
        "meters['low_ahead'] = meters['kwh'][::-1].rolling(6, min_periods=1).min()[::-1]",
        "meters['low_behind'] = meters['kwh'].rolling(6, min_periods=1).min()",
    ),
    "newest first and then a rank of arrival": (
        "meters = meters.sort_values('read_at', ascending=False)\nmeters['prev'] = meters.groupby('meter')['kwh'].shift()",
        "meters = meters.sort_values('read_at', ascending=True)\nmeters['prev'] = meters.groupby('meter')['kwh'].shift()",
    ),
    "countdown to the end": (
        "meters['left'] = meters.groupby('meter').cumcount(ascending=False)",
        "meters['seen'] = meters.groupby('meter').cumcount()",
    ),
    "share of the total through transform with a lambda": (
        "meters['share'] = meters.groupby('meter')['kwh'].transform(lambda v: v / v.sum())",
        "meters['share'] = meters.groupby('meter')['kwh'].transform(lambda v: v / v.cumsum())",
    ),
    "group apply that centres": (
        "def centred(g):\n    g = g.copy()\n    g['dev'] = g['kwh'] - g['kwh'].median()\n    return g\nmeters = meters.groupby('meter', group_keys=False).apply(centred)",
        "def centred(g):\n    g = g.copy()\n    g['dev'] = g['kwh'] - g['kwh'].expanding().median()\n    return g\nmeters = meters.groupby('meter', group_keys=False).apply(centred)",
    ),
    "named function given to pipe with arguments": (
        "def window_mean(d, col, width, middle):\n    return d.assign(**{f'{col}_m': d[col].rolling(width, center=middle).mean()})\nmeters = meters.pipe(window_mean, 'kwh', 5, True)",
        "def window_mean(d, col, width, middle):\n    return d.assign(**{f'{col}_m': d[col].rolling(width, center=middle).mean()})\nmeters = meters.pipe(window_mean, 'kwh', 5, False)",
    ),
    "assign with a lambda that aggregates": (
        "meters = meters.assign(norm=lambda d: d['kwh'].div(d['kwh'].max()))",
        "meters = meters.assign(norm=lambda d: d['kwh'].div(d['kwh'].cummax()))",
    ),
    "assign that reads an earlier assign": (
        "meters = meters.assign(k=lambda d: d['kwh'].shift(-1)).assign(k2=lambda d: d['k'] * 2).drop(columns='k')",
        "meters = meters.assign(k=lambda d: d['kwh'].shift(1)).assign(k2=lambda d: d['k'] * 2).drop(columns='k')",
    ),
    "loop over columns with expanding or whole means": (
        "for c in ('kwh', 'temp'):\n    meters[c + '_c'] = meters[c] - meters[c].mean()",
        "for c in ('kwh', 'temp'):\n    meters[c + '_c'] = meters[c] - meters[c].expanding().mean()",
    ),
    "agg then merge on the key": (
        "per = meters.groupby('meter', as_index=False).agg(peak=('kwh', 'max'))\nmeters = meters.merge(per, on='meter')",
        "per = meters[meters['read_at'] <= TRAIN_END].groupby('meter', as_index=False).agg(peak=('kwh', 'max'))\ntest = meters[meters['read_at'] > TRAIN_END].merge(per, on='meter')",
    ),
    "a dictionary of means looked up": (
        "typical = meters.groupby('tariff')['kwh'].mean().to_dict()\nmeters['typical'] = meters['tariff'].map(typical.get)",
        "past = meters.loc[meters['read_at'] < TRAIN_END]\ntypical = past.groupby('tariff')['kwh'].mean().to_dict()\nlater = meters.loc[meters['read_at'] >= TRAIN_END].copy()\nlater['typical'] = later['tariff'].map(typical.get)",
    ),
    "counts of values": (
        "meters['freq'] = meters['tariff'].map(meters['tariff'].value_counts(normalize=True))",
        "meters['freq'] = meters.groupby('tariff').cumcount() / np.arange(1, len(meters) + 1)",
    ),
    "quantile bins": (
        "meters['bin'] = pd.qcut(meters['kwh'], q=10, labels=False)",
        "meters['bin'] = pd.cut(meters['kwh'], bins=[0, 1, 5, 10, np.inf], labels=False)",
    ),
    "equal-width bins of the data's range": (
        "meters['bin'] = pd.cut(meters['kwh'], 8, labels=False)",
        "meters['bin'] = pd.cut(meters['kwh'], np.linspace(0, 40, 9), labels=False)",
    ),
    "percent rank": (
        "meters['pct'] = meters['kwh'].rank(pct=True)",
        "meters['pct'] = meters['kwh'].expanding().rank(pct=True)",
    ),
    "clipped at quantiles": (
        "lo, hi = meters['kwh'].quantile([0.01, 0.99])\nmeters['kwh_c'] = meters['kwh'].clip(lo, hi)",
        "meters['kwh_c'] = meters['kwh'].clip(0, 50)",
    ),
    "gaps filled by the median": (
        "meters['temp'] = meters['temp'].fillna(meters['temp'].median())",
        "meters['temp'] = meters['temp'].ffill().fillna(15.0)",
    ),
    "gaps filled from a dict of means": (
        "meters = meters.fillna({'temp': meters['temp'].mean(), 'kwh': 0})",
        "meters = meters.fillna({'temp': 15.0, 'kwh': 0})",
    ),
    "gaps filled both ways within groups": (
        "meters['temp'] = meters.groupby('meter')['temp'].transform(lambda s: s.ffill().bfill())",
        "meters['temp'] = meters.groupby('meter')['temp'].transform(lambda s: s.ffill())",
    ),
    "gaps filled by combine_first with the next": (
        "meters['temp'] = meters['temp'].combine_first(meters['temp'].bfill())",
        "meters['temp'] = meters['temp'].combine_first(meters['temp'].ffill())",
    ),
    "where falls back to the next value": (
        "meters['temp'] = meters['temp'].where(meters['temp'].notna(), meters['temp'].shift(-1))",
        "meters['temp'] = meters['temp'].where(meters['temp'].notna(), meters['temp'].shift(1))",
    ),
    "interpolated in time": (
        "meters = meters.set_index('read_at')\nmeters['temp'] = meters['temp'].interpolate('time')",
        "meters = meters.set_index('read_at')\nmeters['temp'] = meters['temp'].ffill(limit=3)",
    ),
    "upsampled and interpolated": (
        "fine = meters.set_index('read_at')['kwh'].resample('15min').interpolate().reset_index()",
        "fine = meters.set_index('read_at')['kwh'].resample('15min').ffill().reset_index()",
    ),
    "daily total told at the day's start": (
        "daily = meters.resample('D', on='read_at')['kwh'].sum().rename('day_total').reset_index()\nmeters['day'] = meters['read_at'].dt.floor('D')\nmeters = meters.merge(daily, left_on='day', right_on='read_at', suffixes=('', '_d'))",
        "daily = meters.resample('D', on='read_at')['kwh'].sum().shift(1).rename('last_total').reset_index()\nmeters['day'] = meters['read_at'].dt.floor('D')\nmeters = meters.merge(daily, left_on='day', right_on='read_at', suffixes=('', '_d'))",
    ),
    "mean of the month it is in": (
        "meters['m'] = meters.groupby(meters['read_at'].dt.to_period('M'))['kwh'].transform('mean')",
        "meters['m'] = meters.groupby(meters['read_at'].dt.to_period('M'))['kwh'].transform(lambda s: s.expanding().mean())",
    ),
    "grouped by a Grouper of weeks": (
        "meters['w'] = meters.groupby(pd.Grouper(key='read_at', freq='W'))['kwh'].transform('max')",
        "meters['w'] = meters.groupby(pd.Grouper(key='read_at', freq='W'))['kwh'].cummax()",
    ),
    "as-of join to the nearest": (
        "meters = pd.merge_asof(meters, tariffs, left_on='read_at', right_on='valid_from', by='tariff', direction='nearest')",
        "meters = pd.merge_asof(meters, tariffs, left_on='read_at', right_on='valid_from', by='tariff')",
    ),
    "as-of join whose direction is a variable": (
        "how = 'forward'\nmeters = pd.merge_asof(meters, tariffs, left_on='read_at', right_on='valid_from', direction=how)",
        "how = 'backward'\nmeters = pd.merge_asof(meters, tariffs, left_on='read_at', right_on='valid_from', direction=how)",
    ),
    "joined to a table of tomorrow": (
        "nxt = meters[['meter', 'read_at', 'kwh']].copy()\nnxt['read_at'] = nxt['read_at'] - pd.Timedelta(days=1)\nmeters = meters.merge(nxt, on=['meter', 'read_at'], how='left', suffixes=('', '_next'))",
        "prv = meters[['meter', 'read_at', 'kwh']].copy()\nprv['read_at'] = prv['read_at'] + pd.Timedelta(days=1)\nmeters = meters.merge(prv, on=['meter', 'read_at'], how='left', suffixes=('', '_prev'))",
    ),
    "reindexed with the next valid": (
        "grid = pd.date_range('2023-01-01', '2023-12-31', freq='h')\nhourly = meters.set_index('read_at')['kwh'].reindex(grid, method='bfill').reset_index()",
        "grid = pd.date_range('2023-01-01', '2023-12-31', freq='h')\nhourly = meters.set_index('read_at')['kwh'].reindex(grid, method='ffill').reset_index()",
    ),
    "centred by a gaussian window": (
        "meters['smooth'] = meters['kwh'].rolling(window=9, win_type='gaussian', center=True).mean(std=2)",
        "meters['smooth'] = meters['kwh'].rolling(window=9, win_type='gaussian').mean(std=2)",
    ),
    "window of time, centred": (
        "meters['day_mean'] = meters.rolling('24h', on='read_at', center=True)['kwh'].mean()",
        "meters['day_mean'] = meters.rolling('24h', on='read_at')['kwh'].mean()",
    ),
    "rolling mean moved back by half its width": (
        "W = 7\nmeters['ma'] = meters['kwh'].rolling(W).mean().shift(-(W // 2))",
        "W = 7\nmeters['ma'] = meters['kwh'].rolling(W).mean().shift(W // 2)",
    ),
    "grouped rolling that is centred": (
        "meters['ma'] = meters.groupby('meter')['kwh'].rolling(5, center=True).mean().reset_index(level=0, drop=True)",
        "meters['ma'] = meters.groupby('meter')['kwh'].rolling(5).mean().reset_index(level=0, drop=True)",
    ),
    "forward window by an indexer": (
        "from pandas.api.indexers import FixedForwardWindowIndexer as Ahead\nmeters['top'] = meters['kwh'].rolling(Ahead(window_size=4)).max()",
        "meters['top'] = meters['kwh'].rolling(4).max()",
    ),
    "z-score by scipy": (
        "from scipy.stats import zscore\nmeters['z'] = zscore(meters['kwh'])",
        "r = meters['kwh'].rolling(100)\nmeters['z'] = (meters['kwh'] - r.mean()) / r.std()",
    ),
    "first and last of a customer": (
        "last = meters.groupby('meter')['read_at'].transform('max')\nmeters['days_left'] = (last - meters['read_at']).dt.days",
        "first = meters.groupby('meter')['read_at'].transform('min')\nmeters['days_since'] = (meters['read_at'] - first).dt.days",
    ),
    "only meters that live long": (
        "n = meters.groupby('meter')['kwh'].transform('size')\nmeters = meters[n >= 100]\nmeters['prev'] = meters.groupby('meter')['kwh'].shift(1)",
        "n = meters.groupby('meter').cumcount()\nmeters = meters[n >= 100]\nmeters['prev'] = meters.groupby('meter')['kwh'].shift(1)",
    ),
    "filter by a whole-sample quantile": (
        "meters = meters[meters['kwh'] < meters['kwh'].quantile(0.99)]\nmeters['prev'] = meters['kwh'].shift(1)",
        "meters = meters[meters['kwh'] < 1_000]\nmeters['prev'] = meters['kwh'].shift(1)",
    ),
    "the latest record of each meter": (
        "latest = meters.drop_duplicates('meter', keep='last').set_index('meter')['kwh']\nmeters['final'] = meters['meter'].map(latest)",
        "first = meters.drop_duplicates('meter', keep='first').set_index('meter')['kwh']\nmeters['start'] = meters['meter'].map(first)",
    ),
    "pivoted, shifted by name and stacked": (
        "wide = meters.pivot(index='read_at', columns='meter', values='kwh')\nahead = wide.shift(-1).stack().rename('ahead').reset_index()\nmeters = meters.merge(ahead, on=['read_at', 'meter'])",
        "wide = meters.pivot(index='read_at', columns='meter', values='kwh')\nbehind = wide.shift(1).stack().rename('behind').reset_index()\nmeters = meters.merge(behind, on=['read_at', 'meter'])",
    ),
    "apply along rows that looks into the frame": (
        "def next_kwh(row):\n    later = meters[(meters['meter'] == row['meter']) & (meters['read_at'] > row['read_at'])]\n    return later['kwh'].mean()\nmeters['rest'] = meters.apply(next_kwh, axis=1)",
        "def past_kwh(row):\n    before = meters[(meters['meter'] == row['meter']) & (meters['read_at'] < row['read_at'])]\n    return before['kwh'].mean()\nmeters['rest'] = meters.apply(past_kwh, axis=1)",
    ),
    "eval with an aggregate": (
        "meters['dev'] = meters.eval('kwh - kwh.mean()')",
        "meters['dev'] = meters.eval('kwh - temp')",
    ),
    "normalised by the frame's own min and max": (
        "num = meters[['kwh', 'temp']]\nmeters[['kwh', 'temp']] = (num - num.min()) / (num.max() - num.min())",
        "num = meters[['kwh', 'temp']]\nmeters[['kwh', 'temp']] = (num - num.cummin()) / (num.cummax() - num.cummin())",
    ),
    "a class that fits on what it is given": (
        "class Centre:\n    def fit(self, d):\n        self.mu = d['kwh'].mean()\n        return self\n    def transform(self, d):\n        return d.assign(c=d['kwh'] - self.mu)\nmeters = Centre().fit(meters).transform(meters)",
        "class Centre:\n    def fit(self, d):\n        self.mu = d['kwh'].mean()\n        return self\n    def transform(self, d):\n        return d.assign(c=d['kwh'] - self.mu)\nbefore, after = meters[meters.read_at <= TRAIN_END], meters[meters.read_at > TRAIN_END]\nafter = Centre().fit(before).transform(after)",
    ),
    "a closure that remembers a mean": (
        "def scaler(s):\n    mu, sd = s.mean(), s.std()\n    return lambda v: (v - mu) / sd\nscale = scaler(meters['kwh'])\nmeters['z'] = scale(meters['kwh'])",
        "def scaler(mu, sd):\n    return lambda v: (v - mu) / sd\nscale = scaler(3.0, 1.5)\nmeters['z'] = scale(meters['kwh'])",
    ),
    "a loop over rows that reads the next": (
        "vals = meters['kwh'].tolist()\nup = []\nfor i, v in enumerate(vals):\n    up.append(int(i + 1 < len(vals) and vals[i + 1] > v))\nmeters['rises'] = up",
        "vals = meters['kwh'].tolist()\nup = []\nfor i, v in enumerate(vals):\n    up.append(int(i > 0 and vals[i - 1] < v))\nmeters['rose'] = up",
    ),
    "zip of a list with itself moved on": (
        "vals = list(meters['kwh'])\nmeters['step'] = [b - a for a, b in zip(vals, vals[1:])] + [0]",
        "vals = list(meters['kwh'])\nmeters['step'] = [0] + [b - a for a, b in zip(vals, vals[1:])]",
    ),
    "slices of an array one ahead": (
        "a = meters['kwh'].to_numpy()\nmeters['d'] = np.append(a[1:] - a[:-1], 0.0)",
        "a = meters['kwh'].to_numpy()\nmeters['d'] = np.insert(a[1:] - a[:-1], 0, 0.0)",
    ),
    "np.diff with the value appended": (
        "meters['d'] = np.diff(meters['kwh'], append=0.0)",
        "meters['d'] = np.diff(meters['kwh'], prepend=0.0)",
    ),
    "np.roll backwards": (
        "meters['r'] = np.roll(meters['kwh'].values, -1)",
        "a = np.roll(meters['kwh'].values, 1)\na[0] = np.nan\nmeters['r'] = a",
    ),
    "convolution in the middle": (
        "k = np.ones(5) / 5\nmeters['ma'] = np.convolve(meters['kwh'], k, 'same')",
        "k = np.ones(5) / 5\nmeters['ma'] = np.convolve(meters['kwh'], k, 'full')[:len(meters)]",
    ),
    "Savitzky and Golay": (
        "from scipy.signal import savgol_filter\nmeters['s'] = savgol_filter(meters['kwh'], window_length=11, polyorder=2)",
        "meters['s'] = meters['kwh'].ewm(span=11).mean()",
    ),
    "zero-phase filter": (
        "from scipy import signal\nb, a = signal.butter(3, 0.1)\nmeters['s'] = signal.filtfilt(b, a, meters['kwh'])",
        "from scipy import signal\nb, a = signal.butter(3, 0.1)\nmeters['s'] = signal.lfilter(b, a, meters['kwh'])",
    ),
    "gaussian smoothing": (
        "from scipy.ndimage import gaussian_filter1d\nmeters['s'] = gaussian_filter1d(meters['kwh'].to_numpy(), sigma=3)",
        "meters['s'] = meters['kwh'].ewm(alpha=0.3, adjust=False).mean().to_numpy()",
    ),
    "a spline through everything": (
        "from scipy.interpolate import UnivariateSpline\nx = np.arange(len(meters))\nmeters['trend'] = UnivariateSpline(x, meters['kwh'])(x)",
        "meters['trend'] = meters['kwh'].rolling(48).mean()",
    ),
    "a line fitted to everything": (
        "x = np.arange(len(meters))\nb, a = np.polyfit(x, meters['kwh'], 1)\nmeters['resid'] = meters['kwh'] - (a + b * x)",
        "x = np.arange(len(meters))\nmeters['resid'] = meters['kwh'] - (2.0 + 0.01 * x)",
    ),
    "detrended by scipy": (
        "from scipy.signal import detrend\nmeters['d'] = detrend(meters['kwh'])",
        "meters['d'] = meters['kwh'] - meters['kwh'].ewm(span=48).mean()",
    ),
    "Fourier transform and back": (
        "spec = np.fft.rfft(meters['kwh'].to_numpy())\nspec[20:] = 0\nmeters['low'] = np.fft.irfft(spec, n=len(meters))",
        "meters['low'] = meters['kwh'].ewm(halflife=12).mean()",
    ),
    "seasonal decomposition": (
        "from statsmodels.tsa.seasonal import seasonal_decompose\nparts = seasonal_decompose(meters['kwh'], period=24)\nmeters['trend'] = parts.trend",
        "from statsmodels.tsa.seasonal import seasonal_decompose\nparts = seasonal_decompose(meters['kwh'], period=24, two_sided=False)\nmeters['trend'] = meters['kwh'].rolling(24).mean()",
    ),
    "Hodrick and Prescott": (
        "from statsmodels.tsa.filters.hp_filter import hpfilter\ncycle, trend = hpfilter(meters['kwh'], lamb=1600)\nmeters['cycle'] = cycle",
        "meters['cycle'] = meters['kwh'] - meters['kwh'].expanding().mean()",
    ),
    "get_dummies of the codes of a category": (
        "meters['code'] = meters['tariff'].astype('category').cat.codes\nmeters['mean_of_code'] = meters.groupby('code')['kwh'].transform('mean')",
        "meters = pd.get_dummies(meters, columns=['tariff'])",
    ),
    "time until the next event": (
        "meters['event_at'] = meters['read_at'].where(meters['alarm'] == 1)\nmeters['wait'] = meters['event_at'].bfill() - meters['read_at']",
        "meters['event_at'] = meters['read_at'].where(meters['alarm'] == 1)\nmeters['since'] = meters['read_at'] - meters['event_at'].ffill()",
    ),
    "correlation with everything": (
        "weights = meters[['kwh', 'temp']].corr()['kwh']\nmeters['blend'] = meters['temp'] * weights['temp']",
        "meters['blend'] = meters['temp'] * 0.3 + meters['kwh'] * 0.7",
    ),
    "numpy where on the next": (
        "meters['buy'] = np.where(meters['kwh'].shift(periods=-1) > meters['kwh'], 1, 0)",
        "meters['buy'] = np.where(meters['kwh'] > meters['kwh'].shift(periods=1), 1, 0)",
    ),
    "itertuples and a dict of the future": (
        "by_time = dict(zip(meters['read_at'], meters['kwh']))\nmeters['next_day'] = [by_time.get(t + pd.Timedelta(days=1)) for t in meters['read_at']]",
        "by_time = dict(zip(meters['read_at'], meters['kwh']))\nmeters['last_day'] = [by_time.get(t - pd.Timedelta(days=1)) for t in meters['read_at']]",
    ),
    "cumulative sum of the reversed group": (
        "meters['remaining'] = meters.groupby('meter')['kwh'].transform('sum') - meters.groupby('meter')['kwh'].cumsum()",
        "meters['before'] = meters.groupby('meter')['kwh'].cumsum() - meters['kwh']",
    ),
    "ffill on a frame turned around": (
        "meters = meters.sort_values('read_at', ascending=False)\nmeters['temp'] = meters['temp'].ffill()\nmeters = meters.sort_values('read_at')",
        "meters = meters.sort_values('read_at')\nmeters['temp'] = meters['temp'].ffill()",
    ),
    "nth of the group": (
        "meters = meters.merge(meters.groupby('meter')['kwh'].last().rename('final'), left_on='meter', right_index=True)",
        "meters = meters.merge(meters.groupby('meter')['kwh'].first().rename('start'), left_on='meter', right_index=True)",
    ),
}

POLARS_SETUP = """
import polars as pl

rides = pl.scan_csv("rides.csv", try_parse_dates=True).sort("started_at")
"""
POLARS = {
    "lead through a helper": (
        "def moved(col, by):\n    return pl.col(col).shift(by).alias(f'{col}_{by}')\nrides = rides.with_columns([moved('fare', k) for k in (-1, -2)]).collect()",
        "def moved(col, by):\n    return pl.col(col).shift(by).alias(f'{col}_{by}')\nrides = rides.with_columns([moved('fare', k) for k in (1, 2)]).collect()",
    ),
    "difference to the next": (
        "df = rides.collect().with_columns((pl.col('fare').shift(-1) - pl.col('fare')).alias('gain'))",
        "df = rides.collect().with_columns(pl.col('fare').diff().alias('gain'))",
    ),
    "reversed running maximum": (
        "df = rides.with_columns(top=pl.col('fare').reverse().cum_max().reverse()).collect()",
        "df = rides.with_columns(top=pl.col('fare').cum_max()).collect()",
    ),
    "over a driver and the last": (
        "df = rides.with_columns(final=pl.col('fare').last().over('driver')).collect()",
        "df = rides.with_columns(start=pl.col('fare').first().over('driver', order_by='started_at')).collect()",
    ),
    "rank over everything": (
        "df = rides.with_columns(r=pl.col('fare').rank() / pl.len()).collect()",
        "df = rides.with_columns(r=pl.col('fare').rank().over('started_at')).collect()",
    ),
    "quantile cut": (
        "df = rides.with_columns(b=pl.col('fare').qcut(4)).collect()",
        "df = rides.with_columns(b=pl.col('fare').cut([5, 10, 20])).collect()",
    ),
    "fill by the mean": (
        "df = rides.with_columns(pl.col('tip').fill_null(pl.col('tip').mean())).collect()",
        "df = rides.with_columns(pl.col('tip').fill_null(0)).collect()",
    ),
    "fill strategy in a variable": (
        "s = 'backward'\ndf = rides.with_columns(pl.col('tip').fill_null(strategy=s)).collect()",
        "s = 'forward'\ndf = rides.with_columns(pl.col('tip').fill_null(strategy=s)).collect()",
    ),
    "dynamic groups told at their start": (
        "df = rides.group_by_dynamic('started_at', every='1h', label='left').agg(pl.col('fare').mean()).collect()",
        "df = rides.group_by_dynamic('started_at', every='1h', label='right', closed='left').agg(pl.col('fare').mean()).collect()",
    ),
    "rolling by time, offset ahead": (
        "df = rides.rolling('started_at', period='1h', offset='0h').agg(pl.col('fare').sum()).collect()",
        "df = rides.rolling('started_at', period='1h').agg(pl.col('fare').sum()).collect()",
    ),
    "as-of join ahead": (
        "weather = pl.scan_parquet('weather.parquet').sort('seen_at')\ndf = rides.join_asof(weather, left_on='started_at', right_on='seen_at', strategy='forward').collect()",
        "weather = pl.scan_parquet('weather.parquet').sort('seen_at')\ndf = rides.join_asof(weather, left_on='started_at', right_on='seen_at').collect()",
    ),
    "totals joined back": (
        "tot = rides.group_by('driver').agg(n=pl.len())\ndf = rides.join(tot, on='driver').collect()",
        "df = rides.with_columns(n=pl.int_range(pl.len()).over('driver', order_by='started_at')).collect()",
    ),
    "descending before a shift": (
        "df = rides.sort('started_at', descending=True).with_columns(p=pl.col('fare').shift()).collect()",
        "df = rides.sort('started_at').with_columns(p=pl.col('fare').shift()).collect()",
    ),
    "standardised by a function over columns": (
        "def z(c):\n    return ((pl.col(c) - pl.col(c).mean()) / pl.col(c).std()).name.suffix('_z')\ndf = rides.with_columns(z('fare'), z('tip')).collect()",
        "def z(c):\n    return ((pl.col(c) - pl.col(c).rolling_mean(50)) / pl.col(c).rolling_std(50)).name.suffix('_z')\ndf = rides.with_columns(z('fare'), z('tip')).collect()",
    ),
    "when-then on the next": (
        "df = rides.with_columns(up=pl.when(pl.col('fare').shift(-1) > pl.col('fare')).then(1).otherwise(0)).collect()",
        "df = rides.with_columns(up=pl.when(pl.col('fare') > pl.col('fare').shift(1)).then(1).otherwise(0)).collect()",
    ),
    "map_batches with a numpy roll": (
        "import numpy as np\ndf = rides.collect()\ndf = df.with_columns(pl.Series('nxt', np.roll(df['fare'].to_numpy(), -1)))",
        "df = rides.collect()\ndf = df.with_columns(pl.Series('prev', df['fare'].shift(1)))",
    ),
    "rolling centred through a list of widths": (
        "df = rides.with_columns([pl.col('fare').rolling_mean(w, center=True).alias(f'm{w}') for w in (3, 9)]).collect()",
        "df = rides.with_columns([pl.col('fare').rolling_mean(w).alias(f'm{w}') for w in (3, 9)]).collect()",
    ),
    "ewm and then shifted the wrong way": (
        "df = rides.with_columns(e=pl.col('fare').ewm_mean(half_life=4).shift(-1)).collect()",
        "df = rides.with_columns(e=pl.col('fare').ewm_mean(half_life=4).shift(1)).collect()",
    ),
}

IBIS_SETUP = """
import ibis
from ibis import _

con = ibis.duckdb.connect()
sales = con.read_parquet("sales.parquet").order_by("sold_at")
"""
IBIS = {
    "lead within a store": (
        "w = ibis.window(group_by='store', order_by='sold_at')\nout = sales.mutate(nxt=_.amount.lead().over(w))",
        "w = ibis.window(group_by='store', order_by='sold_at')\nout = sales.mutate(prv=_.amount.lag().over(w))",
    ),
    "a window that ends ahead": (
        "w = ibis.window(group_by='store', order_by=_.sold_at, preceding=0, following=7)\nout = sales.mutate(s=_.amount.sum().over(w))",
        "w = ibis.window(group_by='store', order_by=_.sold_at, preceding=7, following=0)\nout = sales.mutate(s=_.amount.sum().over(w))",
    ),
    "grouped mutate": (
        "out = sales.group_by('store').mutate(share=_.amount / _.amount.sum())",
        "out = sales.group_by('store').order_by('sold_at').mutate(share=_.amount / _.amount.sum().over(rows=(None, 0)))",
    ),
    "cumulative over descending time": (
        "out = sales.mutate(c=_.amount.sum().over(ibis.cumulative_window(order_by=ibis.desc('sold_at'))))",
        "out = sales.mutate(c=_.amount.sum().over(ibis.cumulative_window(order_by='sold_at')))",
    ),
    "normalised by the whole": (
        "out = sales.mutate(z=(sales.amount - sales.amount.mean()) / sales.amount.std())",
        "out = sales.mutate(z=sales.amount - sales.amount.mean().over(ibis.trailing_window(30, order_by='sold_at')))",
    ),
    "as-of join the other way": (
        "prices = con.read_parquet('prices.parquet')\nout = sales.asof_join(prices, sales.sold_at <= prices.priced_at)",
        "prices = con.read_parquet('prices.parquet')\nout = sales.asof_join(prices, sales.sold_at >= prices.priced_at)",
    ),
    "totals joined back": (
        "per = sales.group_by('store').agg(total=_.amount.sum())\nout = sales.join(per, 'store')",
        "w = ibis.cumulative_window(group_by='store', order_by='sold_at')\nout = sales.mutate(total=_.amount.sum().over(w))",
    ),
    "a helper that builds the window": (
        "def around(n):\n    return ibis.window(order_by='sold_at', preceding=n, following=n)\nout = sales.mutate(m=_.amount.mean().over(around(3)))",
        "def behind(n):\n    return ibis.window(order_by='sold_at', preceding=n, following=0)\nout = sales.mutate(m=_.amount.mean().over(behind(3)))",
    ),
    "ntile": (
        "out = sales.mutate(q=_.amount.ntile(4).over(ibis.window(order_by=_.amount)))",
        "out = sales.mutate(n=ibis.row_number().over(ibis.window(order_by='sold_at')))",
    ),
    "the last value of a store": (
        "w = ibis.window(group_by='store', order_by='sold_at', preceding=None, following=None)\nout = sales.mutate(final=_.amount.last().over(w))",
        "w = ibis.window(group_by='store', order_by='sold_at', preceding=None, following=0)\nout = sales.mutate(start=_.amount.first().over(w))",
    ),
}

SQL_SETUP = """
import duckdb
import pandas as pd

con = duckdb.connect("shop.db")
orders = con.sql("select * from orders").df()
"""
SQL = {
    "lead in a named window": (
        'out = con.execute("SELECT *, LEAD(amount, 2) OVER w AS a2 FROM orders WINDOW w AS (PARTITION BY customer ORDER BY ordered_at)").df()',
        'out = con.execute("SELECT *, LAG(amount, 2) OVER w AS a2 FROM orders WINDOW w AS (PARTITION BY customer ORDER BY ordered_at)").df()',
    ),
    "an unordered window": (
        'out = con.sql("select *, amount - avg(amount) over (partition by customer) as dev from orders").df()',
        'out = con.sql("select *, amount - avg(amount) over (partition by customer order by ordered_at) as dev from orders").df()',
    ),
    "a common table of totals": (
        'q = """with t as (select customer, count(*) as n from orders group by 1)\nselect o.*, t.n from orders o join t using (customer)"""\nout = con.sql(q).df()',
        'q = """select o.*, count(*) over (partition by customer order by ordered_at rows between unbounded preceding and 1 preceding) as n from orders o"""\nout = con.sql(q).df()',
    ),
    "a correlated subquery without a bound": (
        'out = con.sql("select o.*, (select max(amount) from orders p where p.customer = o.customer) as top from orders o").df()',
        'out = con.sql("select o.*, (select max(amount) from orders p where p.customer = o.customer and p.ordered_at < o.ordered_at) as top from orders o").df()',
    ),
    "a range frame that runs ahead": (
        'out = con.sql("select *, sum(amount) over (order by ordered_at range between current row and interval 7 day following) as s from orders").df()',
        'out = con.sql("select *, sum(amount) over (order by ordered_at range between interval 7 day preceding and current row) as s from orders").df()',
    ),
    "a statement put together": (
        'n = 3\nout = con.sql(f"select *, lead(amount, {n}) over (order by ordered_at) as f from orders").df()',
        'n = 3\nout = con.sql(f"select *, lag(amount, {n}) over (order by ordered_at) as f from orders").df()',
    ),
    "as-of join ahead": (
        'out = con.sql("select * from orders o asof join rates r on o.ordered_at <= r.rated_at").df()',
        'out = con.sql("select * from orders o asof join rates r on o.ordered_at >= r.rated_at").df()',
    ),
    "read_sql with a lead": (
        'import sqlite3\nout = pd.read_sql_query("SELECT amount, LEAD(amount) OVER (ORDER BY ordered_at) AS nxt FROM orders", sqlite3.connect("shop.db"))',
        'import sqlite3\nout = pd.read_sql_query("SELECT amount, LAG(amount) OVER (ORDER BY ordered_at) AS prv FROM orders", sqlite3.connect("shop.db"))',
    ),
    "self join on a later day": (
        'out = con.sql("select a.*, b.amount as nxt from orders a left join orders b on b.customer = a.customer and b.ordered_at = a.ordered_at + interval 1 day").df()',
        'out = con.sql("select a.*, b.amount as prv from orders a left join orders b on b.customer = a.customer and b.ordered_at = a.ordered_at - interval 1 day").df()',
    ),
    "percent rank": (
        'out = con.sql("select *, percent_rank() over (order by amount) as p from orders").df()',
        'out = con.sql("select *, row_number() over (order by ordered_at) as p from orders").df()',
    ),
}

LEARNING_SETUP = """
import numpy as np
import pandas as pd

loans = pd.read_csv("loans.csv")
X = loans.drop(columns="default")
y = loans["default"]
"""
LEARNING = {
    "scaled before the split, in a helper": (
        "from sklearn.preprocessing import RobustScaler\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.svm import SVC\ndef prepare(frame):\n    return RobustScaler().fit_transform(frame)\nXs = prepare(X)\na, b, c, d = train_test_split(Xs, y, random_state=1)\nSVC().fit(a, c).score(b, d)",
        "from sklearn.preprocessing import RobustScaler\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.svm import SVC\na, b, c, d = train_test_split(X, y, random_state=1)\ns = RobustScaler().fit(a)\nSVC().fit(s.transform(a), c).score(s.transform(b), d)",
    ),
    "imputed before cross-validation": (
        "from sklearn.impute import KNNImputer\nfrom sklearn.model_selection import cross_validate\nfrom sklearn.tree import DecisionTreeClassifier\nXi = KNNImputer().fit_transform(X)\ncross_validate(DecisionTreeClassifier(), Xi, y, cv=10)",
        "from sklearn.impute import KNNImputer\nfrom sklearn.model_selection import cross_validate\nfrom sklearn.pipeline import Pipeline\nfrom sklearn.tree import DecisionTreeClassifier\ncross_validate(Pipeline([('i', KNNImputer()), ('t', DecisionTreeClassifier())]), X, y, cv=10)",
    ),
    "features chosen on all rows": (
        "from sklearn.feature_selection import SelectFromModel\nfrom sklearn.ensemble import RandomForestClassifier\nfrom sklearn.model_selection import train_test_split\nsel = SelectFromModel(RandomForestClassifier()).fit(X, y)\nXt, Xv, yt, yv = train_test_split(sel.transform(X), y)\nRandomForestClassifier().fit(Xt, yt).score(Xv, yv)",
        "from sklearn.feature_selection import SelectFromModel\nfrom sklearn.ensemble import RandomForestClassifier\nfrom sklearn.model_selection import train_test_split\nXt, Xv, yt, yv = train_test_split(X, y)\nsel = SelectFromModel(RandomForestClassifier()).fit(Xt, yt)\nRandomForestClassifier().fit(sel.transform(Xt), yt).score(sel.transform(Xv), yv)",
    ),
    "oversampled before the split": (
        "from imblearn.over_sampling import ADASYN\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nXr, yr = ADASYN(random_state=3).fit_resample(X, y)\nXt, Xv, yt, yv = train_test_split(Xr, yr)\nLogisticRegression().fit(Xt, yt).score(Xv, yv)",
        "from imblearn.over_sampling import ADASYN\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nXt, Xv, yt, yv = train_test_split(X, y)\nXr, yr = ADASYN(random_state=3).fit_resample(Xt, yt)\nLogisticRegression().fit(Xr, yr).score(Xv, yv)",
    ),
    "oversampled by hand before the split": (
        "from sklearn.utils import resample\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nfew = loans[loans['default'] == 1]\nup = resample(few, replace=True, n_samples=5000)\nbalanced = pd.concat([loans[loans['default'] == 0], up])\nXt, Xv, yt, yv = train_test_split(balanced.drop(columns='default'), balanced['default'])\nLogisticRegression().fit(Xt, yt).score(Xv, yv)",
        "from sklearn.utils import resample\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\ntrain, test = train_test_split(loans)\nfew = train[train['default'] == 1]\nup = resample(few, replace=True, n_samples=5000)\nbalanced = pd.concat([train[train['default'] == 0], up])\nLogisticRegression().fit(balanced.drop(columns='default'), balanced['default']).score(test.drop(columns='default'), test['default'])",
    ),
    "transformer fitted anew on the test rows": (
        "from sklearn.preprocessing import PowerTransformer\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import Ridge\nXt, Xv, yt, yv = train_test_split(X, y)\np = PowerTransformer()\nm = Ridge().fit(p.fit_transform(Xt), yt)\nm.score(p.fit_transform(Xv), yv)",
        "from sklearn.preprocessing import PowerTransformer\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import Ridge\nXt, Xv, yt, yv = train_test_split(X, y)\np = PowerTransformer()\nm = Ridge().fit(p.fit_transform(Xt), yt)\nm.score(p.transform(Xv), yv)",
    ),
    "column transformer before the split": (
        "from sklearn.compose import make_column_transformer\nfrom sklearn.preprocessing import OneHotEncoder, StandardScaler\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nct = make_column_transformer((StandardScaler(), ['income']), (OneHotEncoder(), ['state']))\nM = ct.fit_transform(X)\nMt, Mv, yt, yv = train_test_split(M, y)\nLogisticRegression().fit(Mt, yt).score(Mv, yv)",
        "from sklearn.compose import make_column_transformer\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import OneHotEncoder, StandardScaler\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nct = make_column_transformer((StandardScaler(), ['income']), (OneHotEncoder(), ['state']))\nXt, Xv, yt, yv = train_test_split(X, y)\nmake_pipeline(ct, LogisticRegression()).fit(Xt, yt).score(Xv, yv)",
    ),
    "principal components of everything": (
        "from sklearn.decomposition import PCA\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.svm import LinearSVC\npca = PCA(5)\npca.fit(X)\nZ = pca.transform(X)\nZt, Zv, yt, yv = train_test_split(Z, y, test_size=0.3)\nLinearSVC().fit(Zt, yt).score(Zv, yv)",
        "from sklearn.decomposition import PCA\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.svm import LinearSVC\nXt, Xv, yt, yv = train_test_split(X, y, test_size=0.3)\npca = PCA(5)\npca.fit(Xt)\nLinearSVC().fit(pca.transform(Xt), yt).score(pca.transform(Xv), yv)",
    ),
    "target encoded by hand before the split": (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.tree import DecisionTreeClassifier\nloans['state_rate'] = loans.groupby('state')['default'].transform('mean')\nXt, Xv, yt, yv = train_test_split(loans[['income', 'state_rate']], loans['default'])\nDecisionTreeClassifier().fit(Xt, yt).score(Xv, yv)",
        "from sklearn.model_selection import train_test_split\nfrom sklearn.tree import DecisionTreeClassifier\ntrain, test = train_test_split(loans)\nrate = train.groupby('state')['default'].mean()\ntrain = train.assign(state_rate=train['state'].map(rate))\ntest = test.assign(state_rate=test['state'].map(rate))\nDecisionTreeClassifier().fit(train[['income', 'state_rate']], train['default']).score(test[['income', 'state_rate']], test['default'])",
    ),
    "early stopping on the test rows": (
        "import lightgbm as lgb\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.metrics import roc_auc_score\nXt, Xv, yt, yv = train_test_split(X, y)\nm = lgb.LGBMClassifier(n_estimators=2000)\nm.fit(Xt, yt, eval_set=[(Xv, yv)], callbacks=[lgb.early_stopping(50)])\nprint(roc_auc_score(yv, m.predict_proba(Xv)[:, 1]))",
        "import lightgbm as lgb\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.metrics import roc_auc_score\nXt, Xv, yt, yv = train_test_split(X, y)\nXt, Xe, yt, ye = train_test_split(Xt, yt)\nm = lgb.LGBMClassifier(n_estimators=2000)\nm.fit(Xt, yt, eval_set=[(Xe, ye)], callbacks=[lgb.early_stopping(50)])\nprint(roc_auc_score(yv, m.predict_proba(Xv)[:, 1]))",
    ),
    "xgboost's own training stopped on the test rows": (
        "import xgboost as xgb\nfrom sklearn.model_selection import train_test_split\nXt, Xtest, yt, ytest = train_test_split(X, y)\nd1, d2 = xgb.DMatrix(Xt, label=yt), xgb.DMatrix(Xtest, label=ytest)\nb = xgb.train({'eta': 0.1}, d1, 500, evals=[(d2, 'test')], early_stopping_rounds=20)\npred = b.predict(d2)\nprint(((pred > 0.5) == ytest).mean())",
        "import xgboost as xgb\nfrom sklearn.model_selection import train_test_split\nXt, Xtest, yt, ytest = train_test_split(X, y)\nXt, Xval, yt, yval = train_test_split(Xt, yt)\nd1, d2, d3 = xgb.DMatrix(Xt, label=yt), xgb.DMatrix(Xval, label=yval), xgb.DMatrix(Xtest, label=ytest)\nb = xgb.train({'eta': 0.1}, d1, 500, evals=[(d2, 'val')], early_stopping_rounds=20)\npred = b.predict(d3)\nprint(((pred > 0.5) == ytest).mean())",
    ),
    "the best of many by the test score": (
        "from sklearn.neighbors import KNeighborsClassifier\nfrom sklearn.model_selection import train_test_split\nXt, Xte, yt, yte = train_test_split(X, y)\nscores = {}\nfor k in range(1, 20):\n    scores[k] = KNeighborsClassifier(k).fit(Xt, yt).score(Xte, yte)\nbest = max(scores, key=scores.get)\nfinal = KNeighborsClassifier(best).fit(Xt, yt)",
        "from sklearn.neighbors import KNeighborsClassifier\nfrom sklearn.model_selection import train_test_split, cross_val_score\nXt, Xte, yt, yte = train_test_split(X, y)\nscores = {}\nfor k in range(1, 20):\n    scores[k] = cross_val_score(KNeighborsClassifier(k), Xt, yt).mean()\nbest = max(scores, key=scores.get)\nfinal = KNeighborsClassifier(best).fit(Xt, yt)\nprint(final.score(Xte, yte))",
    ),
    "trained on all and tested on a part": (
        "from sklearn.ensemble import GradientBoostingClassifier\nfrom sklearn.model_selection import train_test_split\nXt, Xte, yt, yte = train_test_split(X, y)\nm = GradientBoostingClassifier().fit(X, y)\nprint(m.score(Xte, yte))",
        "from sklearn.ensemble import GradientBoostingClassifier\nfrom sklearn.model_selection import train_test_split\nXt, Xte, yt, yte = train_test_split(X, y)\nm = GradientBoostingClassifier().fit(Xt, yt)\nprint(m.score(Xte, yte))",
    ),
    "vocabulary of all texts": (
        "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.naive_bayes import MultinomialNB\nT = TfidfVectorizer().fit_transform(loans['purpose'])\nTt, Tv, yt, yv = train_test_split(T, y)\nMultinomialNB().fit(Tt, yt).score(Tv, yv)",
        "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.naive_bayes import MultinomialNB\na, b, yt, yv = train_test_split(loans['purpose'], y)\nv = TfidfVectorizer()\nMultinomialNB().fit(v.fit_transform(a), yt).score(v.transform(b), yv)",
    ),
    "statistics of all rows in numpy": (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nM = X.to_numpy()\nM = (M - M.mean(axis=0)) / M.std(axis=0)\nMt, Mv, yt, yv = train_test_split(M, y)\nLogisticRegression().fit(Mt, yt).score(Mv, yv)",
        "from sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nM = X.to_numpy()\nMt, Mv, yt, yv = train_test_split(M, y)\nmu, sd = Mt.mean(axis=0), Mt.std(axis=0)\nLogisticRegression().fit((Mt - mu) / sd, yt).score((Mv - mu) / sd, yv)",
    ),
    "the label among the features": (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nXt, Xv, yt, yv = train_test_split(loans, loans['default'])\nLogisticRegression().fit(Xt, yt).score(Xv, yv)",
        "from sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nXt, Xv, yt, yv = train_test_split(loans[['income', 'age']], loans['default'])\nLogisticRegression().fit(Xt, yt).score(Xv, yv)",
    ),
    "a search on scaled rows": (
        "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.model_selection import RandomizedSearchCV\nfrom sklearn.svm import SVC\nXs = pd.DataFrame(MinMaxScaler().fit_transform(X), columns=X.columns)\nRandomizedSearchCV(SVC(), {'C': [1, 2]}, n_iter=2).fit(Xs, y)",
        "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.model_selection import RandomizedSearchCV\nfrom sklearn.svm import SVC\nRandomizedSearchCV(make_pipeline(MinMaxScaler(), SVC()), {'svc__C': [1, 2]}, n_iter=2).fit(X, y)",
    ),
}

SERIES_SETUP = """
import numpy as np
import pandas as pd

prices = pd.read_csv("prices.csv", index_col="date", parse_dates=True).sort_index()
prices["ret"] = prices["close"].pct_change()
prices["target"] = (prices["ret"].shift(-1) > 0).astype(int)
feats = ["ret", "volume"]
"""
SERIES = {
    "random split of a series": (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.linear_model import LogisticRegression\nd = prices.dropna()\nXt, Xv, yt, yv = train_test_split(d[feats], d['target'], test_size=0.25)\nLogisticRegression().fit(Xt, yt).score(Xv, yv)",
        "from sklearn.linear_model import LogisticRegression\nd = prices.dropna()\ncut = int(len(d) * 0.75)\ntrain, test = d.iloc[:cut], d.iloc[cut + 1:]\nLogisticRegression().fit(train[feats], train['target']).score(test[feats], test['target'])",
    ),
    "shuffled folds": (
        "from sklearn.model_selection import StratifiedKFold, cross_val_score\nfrom sklearn.linear_model import LogisticRegression\nd = prices.dropna()\ncross_val_score(LogisticRegression(), d[feats], d['target'], cv=StratifiedKFold(5, shuffle=True))",
        "from sklearn.model_selection import TimeSeriesSplit, cross_val_score\nfrom sklearn.linear_model import LogisticRegression\nd = prices.dropna()\ncross_val_score(LogisticRegression(), d[feats], d['target'], cv=TimeSeriesSplit(5, gap=1))",
    ),
    "random rows by numpy": (
        "from sklearn.linear_model import LogisticRegression\nd = prices.dropna()\nmask = np.random.rand(len(d)) < 0.8\ntrain, test = d[mask], d[~mask]\nLogisticRegression().fit(train[feats], train['target']).score(test[feats], test['target'])",
        "from sklearn.linear_model import LogisticRegression\nd = prices.dropna()\nmask = d.index < '2022-01-01'\ntrain, test = d[mask], d[~mask].iloc[1:]\nLogisticRegression().fit(train[feats], train['target']).score(test[feats], test['target'])",
    ),
    "permuted positions": (
        "from sklearn.linear_model import LogisticRegression\nd = prices.dropna()\norder = np.random.permutation(len(d))\ntr, te = order[:800], order[800:]\nLogisticRegression().fit(d[feats].iloc[tr], d['target'].iloc[tr]).score(d[feats].iloc[te], d['target'].iloc[te])",
        "from sklearn.linear_model import LogisticRegression\nd = prices.dropna()\norder = np.arange(len(d))\ntr, te = order[:800], order[801:]\nLogisticRegression().fit(d[feats].iloc[tr], d['target'].iloc[tr]).score(d[feats].iloc[te], d['target'].iloc[te])",
    ),
    "the next return as a feature": (
        "from sklearn.linear_model import LogisticRegression\nprices['r1'] = prices['ret'].shift(-1)\nd = prices.dropna()\nLogisticRegression().fit(d[feats + ['r1']], d['target'])",
        "from sklearn.linear_model import LogisticRegression\nprices['r1'] = prices['ret'].shift(1)\nd = prices.dropna()\nLogisticRegression().fit(d[feats + ['r1']], d['target'])",
    ),
    "the scaler saw the whole series": (
        "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.linear_model import LogisticRegression\nd = prices.dropna().copy()\nd[feats] = MinMaxScaler().fit_transform(d[feats])\ncut = int(len(d) * 0.8)\nLogisticRegression().fit(d[feats].iloc[:cut], d['target'].iloc[:cut]).score(d[feats].iloc[cut + 1:], d['target'].iloc[cut + 1:])",
        "from sklearn.preprocessing import MinMaxScaler\nfrom sklearn.linear_model import LogisticRegression\nd = prices.dropna().copy()\ncut = int(len(d) * 0.8)\nsc = MinMaxScaler().fit(d[feats].iloc[:cut])\nLogisticRegression().fit(sc.transform(d[feats].iloc[:cut]), d['target'].iloc[:cut]).score(sc.transform(d[feats].iloc[cut + 1:]), d['target'].iloc[cut + 1:])",
    ),
    "windows for a net from a scaled series": (
        "from sklearn.preprocessing import MinMaxScaler\nfrom tensorflow.keras.models import Sequential\nfrom tensorflow.keras.layers import LSTM, Dense\nv = MinMaxScaler().fit_transform(prices[['close']])\nn = int(len(v) * 0.8)\ntrain, test = v[:n], v[n:]\nXs, ys = [], []\nfor i in range(60, len(train)):\n    Xs.append(train[i - 60:i, 0])\n    ys.append(train[i, 0])\nmodel = Sequential([LSTM(32), Dense(1)])\nmodel.compile('adam', 'mse')\nmodel.fit(np.array(Xs), np.array(ys))",
        "from sklearn.preprocessing import MinMaxScaler\nfrom tensorflow.keras.models import Sequential\nfrom tensorflow.keras.layers import LSTM, Dense\nraw = prices[['close']].to_numpy()\nn = int(len(raw) * 0.8)\nsc = MinMaxScaler().fit(raw[:n])\ntrain, test = sc.transform(raw[:n]), sc.transform(raw[n:])\nXs, ys = [], []\nfor i in range(60, len(train)):\n    Xs.append(train[i - 60:i, 0])\n    ys.append(train[i, 0])\nmodel = Sequential([LSTM(32), Dense(1)])\nmodel.compile('adam', 'mse')\nmodel.fit(np.array(Xs), np.array(ys))",
    ),
    "residuals of a model of everything": (
        "from sklearn.linear_model import LinearRegression\nt = np.arange(len(prices)).reshape(-1, 1)\nprices['detr'] = prices['close'] - LinearRegression().fit(t, prices['close']).predict(t)",
        "from sklearn.linear_model import LinearRegression\nt = np.arange(len(prices)).reshape(-1, 1)\nm = LinearRegression().fit(t[:500], prices['close'].iloc[:500])\nlate = prices.iloc[500:].copy()\nlate['detr'] = late['close'] - m.predict(t[500:])",
    ),
    "clusters of everything": (
        "from sklearn.cluster import KMeans\nprices['regime'] = KMeans(3).fit_predict(prices[['ret', 'volume']].fillna(0))",
        "from sklearn.cluster import KMeans\npast, late = prices.loc[:'2021'], prices.loc['2022':].copy()\nkm = KMeans(3).fit(past[['ret', 'volume']].fillna(0))\nlate['regime'] = km.predict(late[['ret', 'volume']].fillna(0))",
    ),
    "labels of five days without a gap": (
        "from sklearn.model_selection import TimeSeriesSplit, cross_val_score\nfrom sklearn.linear_model import Ridge\nprices['y5'] = prices['close'].pct_change(5).shift(-5)\nd = prices.dropna()\ncross_val_score(Ridge(), d[feats], d['y5'], cv=TimeSeriesSplit(n_splits=4))",
        "from sklearn.model_selection import TimeSeriesSplit, cross_val_score\nfrom sklearn.linear_model import Ridge\nprices['y5'] = prices['close'].pct_change(5).shift(-5)\nd = prices.dropna()\ncross_val_score(Ridge(), d[feats], d['y5'], cv=TimeSeriesSplit(n_splits=4, gap=5))",
    ),
}

TRADES_SETUP = """
import numpy as np
import pandas as pd
trades = pd.read_parquet("trades.parquet")
trades["executed_at"] = pd.to_datetime(trades["executed_at"])
trades = trades.sort_values("executed_at").reset_index(drop=True)
"""
TRADES = {
    "a partial": (
        "from functools import partial\nnxt = partial(pd.Series.shift, periods=-1)\ntrades['n'] = nxt(trades['px'])",
        "from functools import partial\nnxt = partial(pd.Series.shift, periods=1)\ntrades['n'] = nxt(trades['px'])",
    ),
    "a lambda with a default": (
        "lead = lambda s, k=1: s.shift(-k)\ntrades['n'] = lead(trades.px, 2)",
        "lag = lambda s, k=1: s.shift(k)\ntrades['n'] = lag(trades.px, 2)",
    ),
    "apply on column agg": (
        "trades['q'] = trades['px'].apply(lambda v: v / trades['px'].max())",
        "trades['q'] = trades['px'].apply(lambda v: v / 100)",
    ),
    "insert": (
        "trades.insert(3, 'n', trades['px'].shift(-1))",
        "trades.insert(3, 'n', trades['px'].shift(1))",
    ),
    "loc assign": (
        "trades.loc[:, 'n'] = trades['px'].pct_change().shift(-1)",
        "trades.loc[:, 'n'] = trades['px'].pct_change().shift(1)",
    ),
    "iloc element loop": (
        "out = np.zeros(len(trades))\nfor i in range(len(trades) - 1):\n    out[i] = trades['px'].iloc[i + 1] - trades['px'].iloc[i]\ntrades['d'] = out",
        "out = np.zeros(len(trades))\nfor i in range(1, len(trades)):\n    out[i] = trades['px'].iloc[i] - trades['px'].iloc[i - 1]\ntrades['d'] = out",
    ),
    "a while loop": (
        "i = 0\nn = len(trades)\nres = []\npx = trades['px'].values\nwhile i < n - 5:\n    res.append(px[i:i+5].mean())\n    i += 1\ntrades['f'] = pd.Series(res)",
        "i = 0\nn = len(trades)\nres = []\npx = trades['px'].values\nwhile i < n:\n    res.append(px[max(0,i-5):i+1].mean())\n    i += 1\ntrades['f'] = pd.Series(res)",
    ),
    "rolling apply": (
        "trades['f'] = trades['px'].rolling(5, center=True).apply(lambda w: w[-1] - w[0], raw=True)",
        "trades['f'] = trades['px'].rolling(5).apply(lambda w: w[-1] - w[0], raw=True)",
    ),
    "rolling agg dict": (
        "r = trades.rolling(10, center=True).agg({'px': 'mean', 'qty': 'sum'})\ntrades[['pm', 'qs']] = r",
        "r = trades[['px','qty']].rolling(10).agg({'px': 'mean', 'qty': 'sum'})\ntrades[['pm', 'qs']] = r",
    ),
    "group agg map lambda": (
        "m = trades.groupby('sym').px.agg('median')\ntrades['med'] = trades.sym.apply(lambda s: m[s])",
        "trades['med'] = trades.groupby('sym').px.transform(lambda s: s.expanding().median())",
    ),
    "join groupby": (
        "g = trades.groupby('sym')['qty'].agg(['mean', 'std']).add_prefix('qty_')\ntrades = trades.join(g, on='sym')",
        "g = trades.groupby('sym')['qty'].expanding().mean().reset_index(level=0, drop=True)\ntrades['qm'] = g",
    ),
    "set_index + rolling closed": (
        "t = trades.set_index('executed_at')\nt['m'] = t['px'].rolling('1h', center=True).mean()",
        "t = trades.set_index('executed_at')\nt['m'] = t['px'].rolling('1h', closed='left').mean()",
    ),
    "np.gradient": (
        "trades['g'] = np.gradient(trades['px'])",
        "trades['g'] = trades['px'].diff()",
    ),
    "ewm reversed": (
        "trades['e'] = trades['px'][::-1].ewm(span=5).mean()[::-1]",
        "trades['e'] = trades['px'].ewm(span=5).mean()",
    ),
    "sort desc cumsum": (
        "t = trades.sort_values('executed_at', ascending=False)\nt['c'] = t['qty'].cumsum()\ntrades['c'] = t['c']",
        "trades['c'] = trades['qty'].cumsum()",
    ),
    "counted up to a time": (
        "end = trades['executed_at'] + pd.Timedelta('10min')\ntrades['n'] = [((trades['executed_at'] > a) & (trades['executed_at'] <= b)).sum() for a, b in zip(trades['executed_at'], end)]",
        "start = trades['executed_at'] - pd.Timedelta('10min')\ntrades['n'] = [((trades['executed_at'] > a) & (trades['executed_at'] <= b)).sum() for a, b in zip(start, trades['executed_at'])]",
    ),
    "scaler inplace": (
        "from sklearn.preprocessing import StandardScaler\ntrades[['px', 'qty']] = StandardScaler().fit_transform(trades[['px', 'qty']])",
        "from sklearn.preprocessing import StandardScaler\npast = trades[trades['executed_at'] < '2024-01-01']\nlate = trades[trades['executed_at'] >= '2024-01-01'].copy()\nlate[['px', 'qty']] = StandardScaler().fit(past[['px', 'qty']]).transform(late[['px', 'qty']])",
    ),
    "fillna method kw": (
        "trades['px'] = trades['px'].fillna(method='backfill')",
        "trades['px'] = trades['px'].fillna(method='pad')",
    ),
    "interpolate both": (
        "trades = trades.interpolate(method='linear', limit_direction='both')",
        "trades = trades.ffill()",
    ),
    "asof merge tolerance": (
        "q = pd.read_parquet('quotes.parquet').sort_values('quoted_at')\ntrades = pd.merge_asof(trades, q, left_on='executed_at', right_on='quoted_at', by='sym', tolerance=pd.Timedelta('1s'), direction='forward')",
        "q = pd.read_parquet('quotes.parquet').sort_values('quoted_at')\ntrades = pd.merge_asof(trades, q, left_on='executed_at', right_on='quoted_at', by='sym', tolerance=pd.Timedelta('1s'), allow_exact_matches=False)",
    ),
    "resample join": (
        "bars = trades.set_index('executed_at').px.resample('5min').ohlc()\ntrades = trades.join(bars, on=trades['executed_at'].dt.floor('5min'))",
        "bars = trades.set_index('executed_at').px.resample('5min').ohlc().shift(1)\ntrades = trades.join(bars, on=trades['executed_at'].dt.floor('5min'))",
    ),
    "resample reindex": (
        "bars = trades.set_index('executed_at')['px'].resample('h').max()\ntrades['hi'] = bars.reindex(trades['executed_at'], method='ffill').to_numpy()",
        "bars = trades.set_index('executed_at')['px'].resample('h', label='right', closed='left').max()\ntrades['hi'] = bars.reindex(trades['executed_at'], method='ffill').to_numpy()",
    ),
    "an object that is called": (
        "class Feats:\n    def __init__(self, k):\n        self.k = k\n    def __call__(self, d):\n        d = d.copy()\n        d['f'] = d['px'].shift(-self.k)\n        return d\ntrades = Feats(3)(trades)",
        "class Feats:\n    def __init__(self, k):\n        self.k = k\n    def __call__(self, d):\n        d = d.copy()\n        d['f'] = d['px'].shift(self.k)\n        return d\ntrades = Feats(3)(trades)",
    ),
    "a step in a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Cfg:\n    step: int = -2\ncfg = Cfg()\ntrades['f'] = trades['px'].shift(cfg.step)",
        "from dataclasses import dataclass\n@dataclass\nclass Cfg:\n    step: int = 2\ncfg = Cfg()\ntrades['f'] = trades['px'].shift(cfg.step)",
    ),
    "in a try": (
        "try:\n    trades['f'] = trades['px'].shift(-1)\nexcept KeyError:\n    trades['f'] = 0",
        "try:\n    trades['f'] = trades['px'].shift(1)\nexcept KeyError:\n    trades['f'] = 0",
    ),
    "in a with": (
        "with pd.option_context('mode.copy_on_write', True):\n    trades['f'] = trades['px'] - trades['px'].mean()",
        "with pd.option_context('mode.copy_on_write', True):\n    trades['f'] = trades['px'] - trades['px'].expanding().mean()",
    ),
    "reduce": (
        "from functools import reduce\ntrades = reduce(lambda d, k: d.assign(**{f'f{k}': d['px'].shift(k)}), [-1, -2], trades)",
        "from functools import reduce\ntrades = reduce(lambda d, k: d.assign(**{f'f{k}': d['px'].shift(k)}), [1, 2], trades)",
    ),
    "a method by its name": (
        "trades['f'] = getattr(trades.px.rolling(3, center=True), 'std')()",
        "trades['f'] = getattr(trades.px.rolling(3), 'std')()",
    ),
    "agg func table": (
        "FUNCS = {'z': lambda s: (s - s.mean()) / s.std(), 'r': lambda s: s.rank()}\nfor n, f in FUNCS.items():\n    trades[n] = f(trades['px'])",
        "FUNCS = {'z': lambda s: s / s.shift(1), 'r': lambda s: s.diff()}\nfor n, f in FUNCS.items():\n    trades[n] = f(trades['px'])",
    ),
    "bins of the data's own histogram": (
        "trades['b'] = np.digitize(trades['px'], np.histogram_bin_edges(trades['px'], bins=10))",
        "trades['b'] = np.digitize(trades['px'], [10, 20, 50])\nprint(f\"max {trades['px'].max()}\")",
    ),
    "np.percentile": (
        "p = np.percentile(trades['px'], [25, 75])\ntrades['hi'] = trades['px'] > p[1]",
        "trades['hi'] = trades['px'] > 75",
    ),
    "mask by quantile on train": (
        "thr = trades['qty'].quantile(.9)\ntrades['big'] = (trades['qty'] > thr).astype(int)",
        "thr = trades.loc[trades['executed_at'] < '2024-01-01', 'qty'].quantile(.9)\nlate = trades[trades['executed_at'] >= '2024-01-01'].copy()\nlate['big'] = (late['qty'] > thr).astype(int)",
    ),
    "the target among the features": (
        "trades['target'] = trades['px'].shift(-1) > trades['px']\nfrom sklearn.linear_model import LogisticRegression\nX = trades[['px', 'qty', 'target']]\nLogisticRegression().fit(X, trades['target'])",
        "trades['target'] = trades['px'].shift(-1) > trades['px']\nfrom sklearn.linear_model import LogisticRegression\nX = trades[['px', 'qty']]\nLogisticRegression().fit(X, trades['target'])",
    ),
    "group shift neg then X": (
        "trades['fwd'] = trades.groupby('sym')['px'].shift(-3)\nfrom sklearn.ensemble import RandomForestRegressor\ny = trades['px']\nRandomForestRegressor().fit(trades[['qty', 'fwd']], y)",
        "trades['fwd'] = trades.groupby('sym')['px'].shift(-3)\nfrom sklearn.ensemble import RandomForestRegressor\nRandomForestRegressor().fit(trades[['qty', 'px']], trades['fwd'])",
    ),
    "polars": (
        "import polars as pl\nd = pl.from_pandas(trades).lazy()\nd = d.with_columns(pl.col('px').shift(-1).over('sym').alias('n'), pl.col('qty').rolling_sum(window_size=3, center=True).alias('c')).collect()",
        "import polars as pl\nd = pl.from_pandas(trades).lazy()\nd = d.with_columns(pl.col('px').shift(1).over('sym').alias('n'), pl.col('qty').rolling_sum(window_size=3).alias('c')).collect()",
    ),
    "polars group_by agg join": (
        "import polars as pl\nd = pl.from_pandas(trades)\nd = d.join(d.group_by('sym').agg(pl.col('px').mean().alias('m')), on='sym')",
        "import polars as pl\nd = pl.from_pandas(trades)\nd = d.with_columns((pl.col('px').cum_sum() / pl.col('px').cum_count()).over('sym').alias('m'))",
    ),
    "polars map_elements": (
        "import polars as pl\nd = pl.from_pandas(trades)\nmx = d['px'].max()\nd = d.with_columns((pl.col('px') / mx).alias('m'))",
        "import polars as pl\nd = pl.from_pandas(trades)\nd = d.with_columns((pl.col('px') / 100).alias('m'))",
    ),
    "sql pandasql": (
        'import duckdb\nf = duckdb.query("SELECT t.*, MAX(px) OVER (PARTITION BY sym) AS top FROM trades t").to_df()',
        'import duckdb\nf = duckdb.query("SELECT t.*, MAX(px) OVER (PARTITION BY sym ORDER BY executed_at) AS top FROM trades t").to_df()',
    ),
    "a mean of what was shifted ahead": (
        "trades['f'] = trades['px'].shift(-1).rolling(3).mean()",
        "trades['f'] = trades['px'].shift(2).rolling(3).mean()",
    ),
    "rolling shift insufficient": (
        "trades['f'] = trades['px'].rolling(5).mean().shift(-2)",
        "trades['f'] = trades['px'].rolling(5, closed='left').mean()",
    ),
    "knn impute": (
        "from sklearn.impute import SimpleImputer\ntrades[['qty']] = SimpleImputer(strategy='median').fit_transform(trades[['qty']])",
        "trades[['qty']] = trades[['qty']].ffill().fillna(0)",
    ),
    "target enc loop": (
        "for c in ['sym', 'venue']:\n    trades[c + '_te'] = trades[c].map(trades.groupby(c)['ret'].mean())",
        "for c in ['sym', 'venue']:\n    s = trades.groupby(c)['ret']\n    trades[c + '_te'] = (s.cumsum() - trades['ret']) / s.cumcount()",
    ),
    "how many days a symbol has": (
        "trades['n_days'] = trades.groupby('sym')['executed_at'].transform('nunique')",
        "trades['n_seen'] = trades.groupby('sym').cumcount() + 1",
    ),
    "rare values by their counts": (
        "vc = trades['venue'].value_counts()\ntrades['rare'] = trades['venue'].isin(vc[vc < 100].index)",
        "trades['rare'] = trades['venue'].isin(['X', 'Z'])",
    ),
    "whether it is the last": (
        "trades['is_last'] = ~trades.duplicated('sym', keep='last')",
        "trades['is_first'] = ~trades.duplicated('sym', keep='first')",
    ),
    "head/tail": (
        "tail = trades['px'].tail(20).mean()\ntrades['rel'] = trades['px'] / tail",
        "base = trades['px'].head(20).mean()\nlate = trades.iloc[20:].copy()\nlate['rel'] = late['px'] / base",
    ),
    "wavelets": (
        "import pywt\nc = pywt.wavedec(trades['px'], 'db4')\ntrades['w'] = pywt.waverec(c, 'db4')[:len(trades)]",
        "trades['w'] = trades['px'].ewm(span=20).mean()",
    ),
    "lowess": (
        "from statsmodels.nonparametric.smoothers_lowess import lowess\ntrades['l'] = lowess(trades['px'], np.arange(len(trades)), return_sorted=False)",
        "trades['l'] = trades['px'].rolling(20).mean()",
    ),
    "scipy convolve mode": (
        "from scipy.ndimage import convolve1d\ntrades['c'] = convolve1d(trades['px'].values, np.ones(5)/5)",
        "from scipy.signal import lfilter\ntrades['c'] = lfilter(np.ones(5)/5, 1, trades['px'].values)",
    ),
}
