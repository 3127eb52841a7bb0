"""Pairs of cells in pandas, numpy, scipy and statsmodels: the first leaks, the second does the same without."""

SETUP = """
import numpy as np
import pandas as pd
loads = pd.read_csv("loads.csv", parse_dates=["hour_start"])
"""

PAIRS = {
    "lead by a named constant": (
        "STEP = -6\nloads['later'] = loads['kw'].shift(periods=STEP)",
        "STEP = 6\nloads['earlier'] = loads['kw'].shift(periods=STEP)",
    ),
    "lead computed from a parameter of a function": (
        "def offset(frame, by):\n    return frame.assign(moved=frame['kw'].shift(-by))\nloads = offset(loads, 24)",
        "def offset(frame, by):\n    return frame.assign(moved=frame['kw'].shift(by))\nloads = offset(loads, 24)",
    ),
    "lead among lags in a comprehension": (
        "cols = {f'kw_{k}': loads['kw'].shift(k) for k in (1, 2, -1)}\nloads = loads.assign(**cols)",
        "cols = {f'kw_{k}': loads['kw'].shift(k) for k in (1, 2, 3)}\nloads = loads.assign(**cols)",
    ),
    "lead in a pipe": (
        "loads = loads.pipe(lambda d: d.assign(ahead=d['kw'].shift(-1) - d['kw']))",
        "loads = loads.pipe(lambda d: d.assign(change=d['kw'] - d['kw'].shift(1)))",
    ),
    "lead within groups": (
        "loads['nxt'] = loads.groupby('meter')['kw'].shift(-1)",
        "loads['prv'] = loads.groupby('meter')['kw'].shift(1)",
    ),
    "negative difference within groups": (
        "loads['delta'] = loads.groupby('meter')['kw'].diff(-1)",
        "loads['delta'] = loads.groupby('meter')['kw'].diff(1)",
    ),
    "growth to a later row": (
        "loads['growth'] = loads['kw'].pct_change(periods=-4)",
        "loads['growth'] = loads['kw'].pct_change(periods=4)",
    ),
    "lag taken back by a longer lead": (
        "loads['f'] = loads['kw'].shift(1).rolling(3).sum().shift(-4)",
        "loads['f'] = loads['kw'].shift(-2).rolling(3).sum().shift(4)",
    ),
    "array rolled by one": (
        "loads['f'] = np.roll(loads['kw'].values, 2)",
        "moved = np.roll(loads['kw'].values, 2).astype(float)\nmoved[:2] = np.nan\nloads['f'] = moved",
    ),
    "array rolled backwards": (
        "moved = np.roll(loads['kw'].values, -1).astype(float)\nmoved[-1] = np.nan\nloads['f'] = moved",
        "moved = np.roll(loads['kw'].values, 1).astype(float)\nmoved[0] = np.nan\nloads['f'] = moved",
    ),
    "loop that reads the next element": (
        "kw = loads['kw'].to_numpy()\nf = np.zeros(len(kw))\nfor j in range(len(kw) - 1):\n    f[j] = kw[j + 1] / kw[j]\nloads['f'] = f",
        "kw = loads['kw'].to_numpy()\nf = np.zeros(len(kw))\nfor j in range(1, len(kw)):\n    f[j] = kw[j] / kw[j - 1]\nloads['f'] = f",
    ),
    "loop over the rest of the series": (
        "best = []\nfor j in range(len(loads)):\n    best.append(loads['kw'].iloc[j:].max())\nloads['best'] = best",
        "best = []\nfor j in range(len(loads)):\n    best.append(loads['kw'].iloc[:j + 1].max())\nloads['best'] = best",
    ),
    "loop over windows ahead": (
        "loads['f'] = [loads['kw'].iloc[i:i + 12].mean() for i in range(len(loads))]",
        "loads['f'] = [loads['kw'].iloc[max(0, i - 12):i].mean() for i in range(len(loads))]",
    ),
    "lag of newest-first rows": (
        "recent = loads.sort_values('hour_start', ascending=False).copy()\nrecent['was'] = recent['kw'].shift(1)",
        "oldest = loads.sort_values('hour_start', ascending=True).copy()\noldest['was'] = oldest['kw'].shift(1)",
    ),
    "rolling over newest-first rows": (
        "down = loads.sort_values(by='hour_start', ascending=False)\ndown['avg'] = down['kw'].rolling(4).mean()",
        "up = loads.sort_values(by='hour_start')\nup['avg'] = up['kw'].rolling(4).mean()",
    ),
    "lag of rows sorted by a quantity": (
        "loads = loads.sort_values('kw')\nloads['f'] = loads['temp'].shift(1)",
        "loads = loads.sort_values('hour_start')\nloads['f'] = loads['temp'].shift(1)",
    ),
    "lag across meters": (
        "loads = loads.sort_values(['meter', 'hour_start'])\nloads['f'] = loads['kw'].diff()",
        "loads = loads.sort_values(['meter', 'hour_start'])\nloads['f'] = loads.groupby('meter')['kw'].diff()",
    ),
    "rolling across meters": (
        "loads = loads.sort_values(['meter', 'hour_start'])\nloads['f'] = loads['kw'].rolling(24).mean()",
        (
            "loads = loads.sort_values(['meter', 'hour_start'])\n"
            "loads['f'] = loads.groupby('meter')['kw'].transform(lambda s: s.rolling(24).mean())"
        ),
    ),
    "lookup of tomorrow": (
        "byday = loads.set_index('hour_start')['kw']\nloads['f'] = (loads['hour_start'] + pd.Timedelta(hours=24)).map(byday)",
        "byday = loads.set_index('hour_start')['kw']\nloads['f'] = (loads['hour_start'] - pd.Timedelta(hours=24)).map(byday)",
    ),
    "join on a stamp moved ahead": (
        (
            "other = loads[['hour_start', 'kw']].rename(columns={'kw': 'f'})\n"
            "other['hour_start'] = other['hour_start'] - pd.Timedelta('1h')\nloads = loads.merge(other, on='hour_start', how='left')"
        ),
        (
            "other = loads[['hour_start', 'kw']].rename(columns={'kw': 'f'})\n"
            "other['hour_start'] = other['hour_start'] + pd.Timedelta('1h')\nloads = loads.merge(other, on='hour_start', how='left')"
        ),
    ),
    "centred window by keyword": (
        "loads['trend'] = loads['kw'].rolling(window=25, center=True, min_periods=1).median()",
        "loads['trend'] = loads['kw'].rolling(window=25, min_periods=1).median()",
    ),
    "centred window in groups": (
        "loads['trend'] = loads.groupby('meter')['kw'].transform(lambda s: s.rolling(5, center=True).mean())",
        "loads['trend'] = loads.groupby('meter')['kw'].transform(lambda s: s.rolling(5).mean())",
    ),
    "centred by a setting": (
        "SETTINGS = {'window': 9, 'center': True}\nloads['f'] = loads['kw'].rolling(**SETTINGS).mean()",
        "SETTINGS = {'window': 9, 'center': False}\nloads['f'] = loads['kw'].rolling(**SETTINGS).mean()",
    ),
    "forward indexer": (
        (
            "from pandas.api.indexers import FixedForwardWindowIndexer\n"
            "loads['f'] = loads['kw'].rolling(FixedForwardWindowIndexer(window_size=3)).sum()"
        ),
        "loads['f'] = loads['kw'].rolling(3).sum()",
    ),
    "cumulative maximum from the end": (
        "loads['peak'] = loads['kw'].iloc[::-1].cummax().iloc[::-1]",
        "loads['peak'] = loads['kw'].cummax()",
    ),
    "expanding over reversed rows": (
        "loads['f'] = loads['kw'][::-1].expanding().mean()[::-1]",
        "loads['f'] = loads['kw'].expanding().mean()",
    ),
    "smoothing filter": (
        "from scipy import signal\nloads['f'] = signal.savgol_filter(loads['kw'], window_length=7, polyorder=2)",
        "from scipy import signal\nloads['f'] = signal.lfilter([0.25] * 4, [1.0], loads['kw'])",
    ),
    "zero-phase filter in a helper": (
        (
            "from scipy.signal import butter, filtfilt\ndef low(x):\n    b, a = butter(2, 0.1)\n    return filtfilt(b, a, x)\n"
            "loads['f'] = low(loads['kw'])"
        ),
        (
            "from scipy.signal import butter, lfilter\ndef low(x):\n    b, a = butter(2, 0.1)\n    return lfilter(b, a, x)\n"
            "loads['f'] = low(loads['kw'])"
        ),
    ),
    "same-mode convolution": (
        "loads['f'] = np.convolve(loads['kw'], np.ones(3) / 3, 'same')",
        "loads['f'] = np.convolve(loads['kw'], np.ones(3) / 3)[:len(loads)]",
    ),
    "central gradient": (
        "loads['slope'] = np.gradient(loads['kw'])",
        "loads['slope'] = loads['kw'].diff()",
    ),
    "seasonal decomposition": (
        "from statsmodels.tsa.seasonal import STL\nloads['resid'] = STL(loads['kw'], period=24).fit().resid",
        "loads['resid'] = loads['kw'] - loads['kw'].shift(24)",
    ),
    "fourier low-pass": (
        "spectrum = np.fft.rfft(loads['kw'])\nspectrum[20:] = 0\nloads['f'] = np.fft.irfft(spectrum, n=len(loads))",
        "loads['f'] = loads['kw'].ewm(span=20, adjust=False).mean()",
    ),
    "peaks marked where they are": (
        (
            "from scipy.signal import find_peaks\npeaks, _ = find_peaks(loads['kw'])\nloads['peak'] = 0\n"
            "loads.loc[loads.index[peaks], 'peak'] = 1"
        ),
        "loads['peak'] = (loads['kw'].shift(1) > loads['kw']).astype(int)",
    ),
    "daily mean on each hour": (
        "loads['day'] = loads['hour_start'].dt.floor('D')\nloads['f'] = loads.groupby('day')['kw'].transform('mean')",
        (
            "loads['day'] = loads['hour_start'].dt.floor('D')\ndaily = loads.groupby('day')['kw'].mean().shift(1)\n"
            "loads['f'] = loads['day'].map(daily)"
        ),
    ),
    "weekly total joined back": (
        (
            "loads['week'] = loads['hour_start'].dt.to_period('W')\nweekly = loads.groupby('week', as_index=False)['kw'].sum()\n"
            "loads = loads.merge(weekly.rename(columns={'kw': 'wk'}), on='week')"
        ),
        (
            "loads['week'] = loads['hour_start'].dt.to_period('W')\nweekly = loads.groupby('week')['kw'].sum().shift(1)\n"
            "loads['wk'] = loads['week'].map(weekly)"
        ),
    ),
    "share of the month by formatted date": (
        (
            "loads['ym'] = loads['hour_start'].dt.strftime('%Y-%m')\n"
            "loads['share'] = loads['kw'] / loads.groupby(['meter', 'ym'])['kw'].transform('sum')"
        ),
        (
            "loads['ym'] = loads['hour_start'].dt.strftime('%Y-%m')\n"
            "loads['share'] = loads['kw'] / loads.groupby(['meter', 'ym'])['kw'].cumsum()"
        ),
    ),
    "bars stamped at their start": (
        "bars = loads.set_index('hour_start')['kw'].resample('4h').max().reset_index()",
        "bars = loads.set_index('hour_start')['kw'].resample('4h', label='right', closed='left').max().reset_index()",
    ),
    "grouper on a frequency": (
        "loads['f'] = loads.groupby(pd.Grouper(key='hour_start', freq='D'))['kw'].transform('max')",
        "loads['f'] = loads.groupby(pd.Grouper(key='hour_start', freq='D'))['kw'].cummax()",
    ),
    "upsampled by interpolation": (
        (
            "slow = loads.set_index('hour_start')['kw'].resample('D', label='right').last()\n"
            "fast = slow.resample('h').interpolate('time')\nloads['f'] = fast.reindex(loads['hour_start']).to_numpy()"
        ),
        (
            "slow = loads.set_index('hour_start')['kw'].resample('D', label='right').last()\n"
            "fast = slow.resample('h').ffill()\nloads['f'] = fast.reindex(loads['hour_start']).to_numpy()"
        ),
    ),
    "as-of join to the next record": (
        (
            "tariffs = pd.read_csv('tariffs.csv', parse_dates=['valid_from'])\n"
            "loads = pd.merge_asof(loads, tariffs, left_on='hour_start', right_on='valid_from', direction='forward')"
        ),
        (
            "tariffs = pd.read_csv('tariffs.csv', parse_dates=['valid_from'])\n"
            "loads = pd.merge_asof(loads, tariffs, left_on='hour_start', right_on='valid_from')"
        ),
    ),
    "as-of join on the event": (
        (
            "reports = pd.read_csv('reports.csv', parse_dates=['period_end', 'release_date'])\n"
            "loads = pd.merge_asof(loads, reports[['period_end', 'gdp', 'release_date']], left_on='hour_start', right_on='period_end')"
        ),
        (
            "reports = pd.read_csv('reports.csv', parse_dates=['period_end', 'release_date'])\n"
            "loads = pd.merge_asof(loads, reports[['release_date', 'gdp']], left_on='hour_start', right_on='release_date')"
        ),
    ),
    "total of the meter joined back": (
        "totals = loads.groupby('meter').agg(total=('kw', 'sum')).reset_index()\nloads = loads.merge(totals, on='meter')",
        "loads['total'] = loads.groupby('meter')['kw'].cumsum() - loads['kw']",
    ),
    "several statistics joined back": (
        "stats = loads.groupby('meter')['kw'].agg(['mean', 'std'])\nloads = loads.join(stats, on='meter')",
        "past = loads.groupby('meter')['kw'].transform(lambda s: s.shift().expanding().mean())\nloads['mean'] = past",
    ),
    "hours until the next outage": (
        "out = loads['hour_start'].where(loads['kw'] == 0).bfill()\nloads['until'] = (out - loads['hour_start']).dt.total_seconds()",
        "out = loads['hour_start'].where(loads['kw'] == 0).ffill()\nloads['since'] = (loads['hour_start'] - out).dt.total_seconds()",
    ),
    "fill from behind by method": (
        "loads['temp'] = loads['temp'].fillna(method='backfill')",
        "loads['temp'] = loads['temp'].fillna(method='ffill')",
    ),
    "fill from behind in place": (
        "loads.bfill(inplace=True)\nloads['f'] = loads['temp'] * 2",
        "loads.ffill(inplace=True)\nloads['f'] = loads['temp'] * 2",
    ),
    "warm-up filled from later rows": (
        "loads['f'] = loads['kw'].rolling(24).mean().fillna(method='bfill')",
        "loads['f'] = loads['kw'].rolling(24, min_periods=1).mean()",
    ),
    "linear interpolation in groups": (
        "loads['temp'] = loads.groupby('meter')['temp'].transform(lambda s: s.interpolate())",
        "loads['temp'] = loads.groupby('meter')['temp'].transform(lambda s: s.ffill())",
    ),
    "fill with the mean in place": (
        "loads['temp'].fillna(loads['temp'].mean(), inplace=True)\nloads['f'] = loads['temp'] / 2",
        "loads['temp'].fillna(0, inplace=True)\nloads['f'] = loads['temp'] / 2",
    ),
    "fill with the median by numpy": (
        "loads['temp'] = np.where(loads['temp'].isna(), np.nanmedian(loads['temp']), loads['temp'])",
        "loads['temp'] = np.where(loads['temp'].isna(), loads['temp'].shift(1), loads['temp'])",
    ),
    "frame filled with its medians": (
        "num = ['kw', 'temp']\nloads[num] = loads[num].fillna(loads[num].median())",
        "num = ['kw', 'temp']\nloads[num] = loads[num].fillna(-1)",
    ),
    "z-score by a helper": (
        "def standardise(s):\n    return (s - s.mean()) / s.std()\nloads['z'] = standardise(loads['kw'])",
        "def standardise(s, n=168):\n    return (s - s.rolling(n).mean()) / s.rolling(n).std()\nloads['z'] = standardise(loads['kw'])",
    ),
    "min-max by apply": (
        "loads[['kw', 'temp']] = loads[['kw', 'temp']].apply(lambda c: (c - c.min()) / (c.max() - c.min()))",
        "loads[['kw', 'temp']] = loads[['kw', 'temp']].apply(lambda c: c / 100)",
    ),
    "relative to the last value": (
        "base = loads['kw'].iloc[-1]\nloads['index'] = 100 * loads['kw'] / base",
        "base = loads['kw'].iloc[0]\nloads['index'] = 100 * loads['kw'] / base",
    ),
    "rank in groups over all time": (
        "loads['r'] = loads.groupby('meter')['kw'].rank(pct=True)",
        "loads['r'] = loads.groupby('hour_start')['kw'].rank(pct=True)",
    ),
    "quantile bins": (
        "loads['bin'] = pd.qcut(loads['kw'], q=10, labels=False)",
        "loads['bin'] = pd.cut(loads['kw'], bins=[0, 10, 100, 1000], labels=False)",
    ),
    "outliers clipped at percentiles": (
        "lo, hi = np.percentile(loads['kw'], [1, 99])\nloads['kw'] = loads['kw'].clip(lo, hi)",
        "loads['kw'] = loads['kw'].clip(0, 500)",
    ),
    "frequency of the category": (
        "counts = loads['tariff'].value_counts().to_dict()\nloads['freq'] = loads['tariff'].map(counts)",
        "loads['freq'] = loads.groupby('tariff').cumcount()",
    ),
    "size of the group": (
        "loads['n'] = loads.groupby('meter')['kw'].transform('count')",
        "loads['n'] = loads.groupby('meter').cumcount() + 1",
    ),
    "target mean of the category": (
        "loads['enc'] = loads.groupby('tariff')['target'].transform('mean')",
        "loads['enc'] = loads.groupby('tariff')['target'].transform(lambda s: s.shift(1).expanding().mean())",
    ),
    "age measured from the newest row": (
        "loads['age'] = (loads['hour_start'].max() - loads['hour_start']).dt.days",
        "loads['age'] = (loads['hour_start'] - loads['hour_start'].min()).dt.days",
    ),
    "latest state of each meter": (
        (
            "state = loads.sort_values('hour_start').drop_duplicates(subset='meter', keep='last')[['meter', 'status']]\n"
            "loads = loads.drop(columns='status').merge(state, on='meter')"
        ),
        (
            "state = loads.sort_values('hour_start').drop_duplicates(subset='meter', keep='first')[['meter', 'status']]\n"
            "loads = loads.drop(columns='status').merge(state, on='meter')"
        ),
    ),
    "trend fitted over all rows": (
        "t = np.arange(len(loads))\ncoef = np.polyfit(t, loads['kw'].values, deg=1)\nloads['detrended'] = loads['kw'] - np.polyval(coef, t)",
        "loads['detrended'] = loads['kw'] - loads['kw'].rolling(720, min_periods=1).mean()",
    ),
    "label mean in a window of its own row": (
        "loads['rate'] = loads['label'].rolling(10, min_periods=1).mean()",
        "loads['rate'] = loads['label'].shift(1).rolling(10, min_periods=1).mean()",
    ),
}

SILENT = {
    "a lead that is the label": (
        "its name and use say what is to be predicted",
        "loads['target'] = loads['kw'].shift(-24)\nloads['f'] = loads['kw'].shift(24)",
    ),
    "a lead that only y reads": (
        "y may look ahead, and X does not hold it",
        "loads['gain'] = loads['kw'].shift(-1) - loads['kw']\ny = loads['gain']\nX = loads[['kw', 'temp']]",
    ),
    "a lead dropped before the fit": (
        "what X drops is no feature",
        (
            "from sklearn.linear_model import Ridge\nloads['gain'] = loads['kw'].shift(-1)\nloads = loads.dropna()\n"
            "Ridge().fit(loads.drop(columns=['gain', 'hour_start']), loads['gain'])"
        ),
    ),
    "a statistic that is printed": (
        "no feature is made of it",
        "print('mean', loads['kw'].mean())\nloads['f'] = loads['kw'].shift(1)",
    ),
    "a backward fill for a plot": (
        "the filled frame is only drawn",
        "shown = loads.bfill()\nshown.plot()\nloads['f'] = loads['kw'].ffill()",
    ),
    "a centred window that is only drawn": (
        "a smooth curve for the eye",
        "import matplotlib.pyplot as plt\nplt.plot(loads['kw'].rolling(24, center=True).mean())\nloads['f'] = loads['kw'].shift(1)",
    ),
    "rows shown newest first": (
        "the order does not enter a feature",
        "print(loads.sort_values('hour_start', ascending=False).head())\nloads['f'] = loads['kw'].shift(2)",
    ),
    "mean over meters at one time": (
        "all of it is known at that time",
        "loads['f'] = loads['kw'] - loads.groupby('hour_start')['kw'].transform('mean')",
    ),
    "z-score over meters at one time": (
        "all of it is known at that time",
        "loads['f'] = loads.groupby('hour_start')['kw'].transform(lambda s: (s - s.mean()) / s.std())",
    ),
    "statistics of the training period": (
        "they are known from the period's end on",
        (
            "past = loads[loads['hour_start'] < '2024-01-01']\nmean = past.groupby('meter')['kw'].mean()\n"
            "loads['f'] = loads['meter'].map(mean)"
        ),
    ),
    "a fixed attribute joined by key": (
        "the size of a house does not change in time",
        (
            "houses = pd.DataFrame({'meter': ['a', 'b'], 'rooms': [3, 5]})\nloads = loads.merge(houses, on='meter')\n"
            "loads['f'] = loads['rooms'] * 2"
        ),
    ),
    "a header filled sideways": (
        "along columns there is no time",
        "header = pd.DataFrame([['A', None], ['1', '2']]).bfill(axis=1)\nloads['f'] = loads['kw']",
    ),
    "a curve without time": (
        "its index is a position",
        "curve = pd.Series(np.cos(np.arange(50)))\nsmooth = curve.rolling(5, center=True).mean()\nloads['f'] = loads['kw']",
    ),
    "gap to the earlier event": (
        "only earlier rows are read",
        "seen = loads['hour_start'].where(loads['kw'] > 10).ffill()\nloads['f'] = (loads['hour_start'] - seen).dt.seconds",
    ),
    "bars at their end": (
        "a bar is complete at its stamp",
        (
            "bars = loads.set_index('hour_start')['kw'].resample('D', label='right', closed='right').sum().to_frame('kw')\n"
            "bars['f'] = bars['kw'].shift(1)"
        ),
    ),
    "statistics of the own row": (
        "along columns no other row is read",
        "loads['f'] = loads[['kw', 'temp']].mean(axis=1)",
    ),
    "two leads and three lags": (
        "the sum looks back, and no row is read that may not be there yet",
        "loads['f'] = loads['kw'].shift(-2).shift(3)",
    ),
    "features of the calendar": (
        "the calendar is known in advance",
        (
            "loads['h'] = loads['hour_start'].dt.hour\nloads['dow'] = loads['hour_start'].dt.dayofweek\n"
            "loads['f'] = np.sin(2 * np.pi * loads['h'] / 24)"
        ),
    ),
    "reversed twice": (
        "the order is that of time again",
        "loads['f'] = loads['kw'][::-1][::-1].rolling(3).mean()",
    ),
}
