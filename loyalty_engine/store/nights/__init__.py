"""The statements of nightly runs: each works for thousands of members at once, on either database."""
