"""`make prove`: campaigns under faults, judged from what the platforms saw. docs/testing.md says how."""
