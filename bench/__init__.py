"""Figures, a line of JSON each; ratios are taken within one run."""
