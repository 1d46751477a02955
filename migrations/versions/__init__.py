"""The steps themselves, each named for what it changes."""
