"""Time this package beside its peers: ``python -m benchmarks --help``."""
