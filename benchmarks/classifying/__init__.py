"""The rows of `benchmarks/binning.py`, by what they classify."""
