"""Decides what a loyalty programme gives and takes, as pure functions over immutable values: no clock, no I/O."""
