"""Where and for whom: the tree of areas, themes, departments."""
