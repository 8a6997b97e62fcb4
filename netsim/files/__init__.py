"""Recordings: what happened, kept in files, in and out."""
