"""Arrays with proven bounds on their rounding errors."""
