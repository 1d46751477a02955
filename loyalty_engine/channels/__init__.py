"""How the engine reaches others: each module speaks one protocol, and decides nothing."""
