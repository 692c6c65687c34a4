"""Engine for servers with an OpenAI-compatible API."""
