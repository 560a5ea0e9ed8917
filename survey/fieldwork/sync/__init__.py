"""Offline work: what phones are given, what they send back sealed, and the rules for what happens to it."""
