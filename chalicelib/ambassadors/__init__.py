"""Ambassadors of areas: appointments, letters, who could be one, invitations, what is missing where."""
