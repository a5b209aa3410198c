"""Who voted where: electors and voters of each booth at elections of the past, what they sum to, goals."""
