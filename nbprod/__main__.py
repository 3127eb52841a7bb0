"""`python -m nbprod` is the `nbprod` command."""

from nbprod.faces.cli import main

main()
