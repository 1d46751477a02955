"""Lets `python -m loyalty_engine.cli` be the same as `loyalty`."""

from loyalty_engine.cli import main

if __name__ == "__main__":
    main(prog_name="loyalty")
