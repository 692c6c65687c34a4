"""Makes the small data files that the package ships."""
