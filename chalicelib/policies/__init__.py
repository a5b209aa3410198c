"""Policies as data: which tier a creator is in and why, and appeals against what was decided."""
