# %% [markdown]
# # State outside any name: options, the environment, the decimal context, a file that only order keeps

# %%
import decimal
import os
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pandas as pd

# %%
pd.set_option("display.precision", 2)
np.set_printoptions(precision=3)
decimal.getcontext().prec = 5
os.environ["NBPROD_CASE_LEVEL"] = "3"
SCRATCH = Path(gettempdir()) / "nbprod_case_module_state.csv"

# %%
shown = pd.Series([1 / 3, 2 / 3]).to_string()
third = decimal.Decimal(1) / decimal.Decimal(3)

# %%
level = int(os.environ["NBPROD_CASE_LEVEL"]) + 1
pd.DataFrame({"level": [level], "value": [0.123456]}).to_csv(SCRATCH, index=False)

# %%
back = pd.read_csv(SCRATCH)

# %%
text = np.array2string(np.array([1 / 3])) + " " + back.to_string()
