"""Tests of the benchmarks: that they work and notice wrong answers, never how fast anything is."""
