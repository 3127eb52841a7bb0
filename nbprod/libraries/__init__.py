"""What nbprod knows of the libraries that notebooks use: one file a library."""
