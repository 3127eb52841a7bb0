# %% [markdown]
# # A classical analysis: trend, seasons, a regression with statsmodels
# ## Data

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

plt.rcParams["figure.figsize"] = (6, 3)
co2 = sm.datasets.co2.load_pandas().data["co2"].resample("MS").mean().ffill()

# %%
fig, ax = plt.subplots()
co2.plot(ax=ax)
ax.set_title("CO2")
plt.show()

# %% [markdown]
# ## Model

# %%
data = pd.DataFrame({"y": co2, "t": np.arange(len(co2)), "month": co2.index.month})
model = smf.ols("y ~ t + I(t**2) + C(month)", data=data)
fit = model.fit()

# %%
print(fit.summary().tables[1])
params = fit.params

# %% [markdown]
# ## Check

# %%
residuals = fit.resid
acf = sm.tsa.acf(residuals, nlags=5, fft=False)
residuals.hist();

# %%
forecast = fit.predict(pd.DataFrame({"t": [len(co2)], "month": [1]}))
