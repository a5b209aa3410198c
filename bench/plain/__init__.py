"""The plain way of doing the same, as a peer: what a good engineer writes first, with nothing slowed down."""
