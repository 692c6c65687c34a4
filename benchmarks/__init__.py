"""Speed and accuracy, against peers: ``python -m benchmarks.NAME``. The last line printed is one JSON object."""
