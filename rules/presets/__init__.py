"""Programmes that work as they are, as documents; they are package data, read by those who may read files."""
