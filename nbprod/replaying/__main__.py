"""Starts a worker process; not meant for people."""

from nbprod.replaying.worker import main

if __name__ == "__main__":
    main()
