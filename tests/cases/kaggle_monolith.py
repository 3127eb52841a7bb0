# %% [markdown]
# # Who repays? One long script in the style of a competition
# Imports in every cell, `df` rebound again and again, settings in the middle, helpers between the cells.

# %%
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", category=FutureWarning)
pd.set_option("display.max_columns", 50)
np.random.seed(7)
N = 600

# %%
df = pd.DataFrame(
    {
        "income": np.random.lognormal(10, 0.5, N).round(2),
        "age": np.random.randint(18, 80, N),
        "city": np.random.choice(["Oslo", "Bergen", "Bodø", None], N),
        "joined": pd.Timestamp("2021-01-01") + pd.to_timedelta(np.random.randint(0, 700, N), unit="D"),
    }
)
df["repaid"] = ((df["income"] / 20_000 + np.random.normal(0, 0.6, N)) > 1).astype(int)
df.head()

# %%
df["city"] = df["city"].fillna("unknown")
df.drop(columns=["joined"], inplace=True)
df.describe()

# %%
def clip_outliers(frame, column, upper=0.99):
    limit = frame[column].quantile(upper)
    frame.loc[frame[column] > limit, column] = limit
    return frame


df = clip_outliers(df, "income")

# %%
from sklearn.model_selection import train_test_split

X = pd.get_dummies(df.drop(columns="repaid"), columns=["city"], dtype=float)
y = df["repaid"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

models = {}
for C in (0.1, 1.0):
    models[C] = make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(X_train, y_train)
best = max(models, key=lambda one: models[one].score(X_train, y_train))

# %%
scores = pd.Series({C: model.score(X_test, y_test) for C, model in models.items()}, name="accuracy")
noise = np.random.normal(size=3)
scores
