"""What `loyalty audit` asks the database: rows that break an invariant, and rows to work out again."""
