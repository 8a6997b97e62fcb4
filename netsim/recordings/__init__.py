"""Real sessions, saved as files: what a machine that can't run a lab shows, and what tests and pictures are made from."""
