"""Random schedules on the real functions, held against a model in plain Python."""
