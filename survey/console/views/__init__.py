"""The team's pages, a module for each step."""
