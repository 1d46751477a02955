"""Lets `python -m loyalty_engine.cli` be the same as `loyalty`."""

from loyalty_engine.cli import main

main(prog_name="loyalty")
