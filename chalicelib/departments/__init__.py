"""Departments: who answers for them, under which accounts they speak, what they were told, their schemes."""
