"""Tests and comparisons that respect the design."""
