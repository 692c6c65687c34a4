"""The packaged model of responses as gene changes, ``embedded-response``."""
