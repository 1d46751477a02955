"""Remembers: the tables, the statements on them, and the only place that commits."""
