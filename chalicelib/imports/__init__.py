"""Imports: jobs over files."""
