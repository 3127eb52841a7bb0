"""One file a command of `nbprod`; each holds a click command named `command` that gives its exit code."""
