"""The database's history: one step for each change of a table, packaged so that it is installed too."""
