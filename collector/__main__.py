"""`python -m collector` is `pilotfish`."""

from collector.cli import main

if __name__ == "__main__":
    main()
