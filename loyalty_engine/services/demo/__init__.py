"""Two public data sets, read as they are, so that a new user sees a year of real-looking purchases become points."""
