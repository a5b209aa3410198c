"""What the tests of schedules and series share with those of campaigns."""

from tests.campaigns.test_campaigns import campaigns, made, queue

__all__ = ["campaigns", "made", "queue"]
