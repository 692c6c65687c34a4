"""Measurements: ``python -m benchmarks.NAME [--quick]`` prints one JSON object as its last line."""
