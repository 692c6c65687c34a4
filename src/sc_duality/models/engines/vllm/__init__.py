"""Engine on vLLM, offline."""
