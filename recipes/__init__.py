"""How shipped files are made: the embedded model and the small data sets."""
