"""What campaigns, channels and platforms are called on the pages of more than one feature: English sentences
that the templates translate."""

from __future__ import annotations

from chalicelib.links import NAMES
from chalicelib.pages.shell import mark

CAMPAIGN = {
    "draft": mark("Draft"),
    "submitted": mark("Waiting for approval"),
    "approved": mark("Approved"),
    "scheduled": mark("Scheduled"),
    "dispatching": mark("Being sent"),
    "paused": mark("Paused"),
    "dispatched": mark("Sent"),
    "cancelled": mark("Called off"),
    "expired": mark("Expired"),
}
WITHDRAWN = mark("Withdrawn")
GIVEN_BACK = mark("Given back")
PURPOSES = {"correction": mark("Correction"), "withdrawal": mark("Withdrawal")}
EVERY = {"day": mark("every day"), "week": mark("every week"), "month": mark("every month")}
CHANNELS = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": mark("SMS"), "email": mark("Email")}
PLATFORMS = NAMES
PLATFORMS_IN_FULL = PLATFORMS | {"x": "X (Twitter)"}
"""As creators read them, and who judges them."""
FILES = {
    "video/mp4": mark("Video (MP4)"),
    "application/pdf": "PDF",
    "image/jpeg": mark("Picture (JPEG)"),
    "image/png": mark("Picture (PNG)"),
    "image/webp": mark("Picture (WebP)"),
}
GENDERS = {"female": mark("Woman"), "male": mark("Man"), "other": mark("Other")}
PROFESSIONS = {
    "artist": mark("Artist"),
    "business": mark("Business"),
    "chartered_accountant": mark("Chartered accountant"),
    "doctor": mark("Doctor or nurse"),
    "farmer": mark("Farmer"),
    "homemaker": mark("Homemaker"),
    "journalist": mark("Journalist"),
    "lawyer": mark("Lawyer"),
    "poet": mark("Poet"),
    "singer": mark("Singer or musician"),
    "social_worker": mark("Social worker"),
    "athlete": mark("Sportsperson"),
    "storyteller": mark("Storyteller"),
    "student": mark("Student"),
    "teacher": mark("Teacher"),
    "other": mark("Something else"),
}
"""As creators choose them when they join."""
ROLE_NAMES = {
    "admin": mark("Administrator"),
    "coordinator": mark("Coordinator of an area"),
    "editor": mark("Editor of campaigns"),
    "approver": mark("Approver of campaigns"),
    "nodal_officer": mark("Nodal officer of a department"),
    "auditor": mark("Auditor"),
}
