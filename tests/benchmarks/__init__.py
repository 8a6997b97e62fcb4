"""Benchmarks: each bench_*.py runs alone, and `python -m tests.benchmarks` runs all of them into one table."""
