"""How fast the road is, beside the limits of the same machine: `python -m benchmarks`."""
