"""One module a use case: opens the transaction, loads, asks the rules, stores."""
