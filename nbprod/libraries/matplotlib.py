"""What nbprod knows of matplotlib, seaborn and plotly."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Role, Table, named

_ARTIST = "matplotlib.Artist"
_FIGURE = "a figure or a part of one"
_STYLE = "matplotlib.rcParams"
_SETS = Call(result=Result.PLAIN, sets=_STYLE)
_PLOTS = Call(gives=_ARTIST, role=Role.PLOT, stays=_FIGURE)

CALLS: Table = {
    **named("matplotlib.style", ("use",), _SETS),
    **named("matplotlib", ("use", "rc", "rcdefaults", "rc_file"), _SETS),
    "matplotlib.rcParams.*": _SETS,
    "matplotlib.pyplot.style.use": _SETS,
    **named("matplotlib.pyplot", ("rc", "rcdefaults", "ion", "ioff", "switch_backend", "set_cmap"), _SETS),
    **named("matplotlib.pyplot", ("rcParams.update", "rcParams.setdefault"), _SETS),
    **named("matplotlib.pyplot", ("show", "close", "clf", "cla", "draw", "tight_layout", "pause"), Call(result=Result.PLAIN, role=Role.SHOW)),
    "matplotlib.pyplot.savefig": Call(result=Result.PLAIN, writes_file=True, role=Role.PLOT),
    "matplotlib.pyplot.imread": Call(reads_file=True, gives="numpy.ndarray", role=Role.LOAD),
    "matplotlib.pyplot.get_cmap": Call(cheap=True, literal=True),
    "matplotlib.pyplot.cm.*": Call(cheap=True),
    "matplotlib.pyplot.*": _PLOTS,
    "matplotlib.cm.*": Call(cheap=True),
    "matplotlib.colors.*": Call(cheap=True),
    "matplotlib.dates.*": Call(cheap=True),
    "matplotlib.ticker.*": Call(cheap=True),
    "matplotlib.Artist.savefig": Call(result=Result.PLAIN, writes_file=True, role=Role.PLOT),
    "matplotlib.Artist.*": Call(gives=_ARTIST, changes=("self",), result=Result.PART, role=Role.PLOT, stays=_FIGURE),
    "matplotlib.*": _PLOTS,
    **named("seaborn", ("set", "set_theme", "set_style", "set_context", "set_palette", "set_color_codes", "reset_defaults", "reset_orig"), _SETS),
    **named("seaborn", ("color_palette", "light_palette", "dark_palette", "cubehelix_palette", "husl_palette"), Call(cheap=True)),
    "seaborn.load_dataset": Call(gives="pandas.DataFrame", role=Role.LOAD),
    "seaborn.*": _PLOTS,
    "plotly.*": Call(role=Role.PLOT),
    "altair.*": Call(role=Role.PLOT, result=Result.HOLDS),
    "bokeh.*": Call(role=Role.PLOT, result=Result.HOLDS, stays=_FIGURE),
    "IPython.display.*": Call(role=Role.SHOW),
}  # fmt: skip
