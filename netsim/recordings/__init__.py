"""Real sessions, saved as files: what a machine without a lab shows, and what pictures are made from."""
