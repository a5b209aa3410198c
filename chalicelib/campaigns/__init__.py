"""What is to be spread, for whom, when: written by one person, approved by another, sent as runs."""
