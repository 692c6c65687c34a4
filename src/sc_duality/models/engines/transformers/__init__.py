"""Engine on Hugging Face transformers."""
