"""Measure the service: `make bench`, `make bench ONLY=R1,W2`.

Every figure is a ratio of two things that are measured in turn in one run, and every benchmark
checks its own answers. `docs/benchmarks.md` is written by it.
"""
