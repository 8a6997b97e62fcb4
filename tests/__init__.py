"""The tests: folders named after the rooms, and `e2e`, where a real terminal is driven from outside."""
