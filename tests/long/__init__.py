"""Tests over whole data sets: too long for each change, run by targets of their own."""
