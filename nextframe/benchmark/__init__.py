"""The benchmark: every model under one protocol, and one small JSON file for each measurement."""
