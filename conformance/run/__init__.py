"""One run: its session, its schedule, its end."""
