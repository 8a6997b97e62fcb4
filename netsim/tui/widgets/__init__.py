"""Widgets: each knows how to paint itself and nothing of the others."""
