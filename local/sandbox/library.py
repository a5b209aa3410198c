"""What accounts on a sandbox platform have published and say of themselves; figures that grow with age."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from local.sandbox.world import Json, World

DAY = timedelta(days=1)
SHARES = {"views": 1.0, "reach": 0.7, "likes": 0.06, "saves": 0.012, "shares": 0.01, "comments": 0.008}
"""Each figure as a part of the views."""


def drawn(*parts: str) -> int:
    """A number that is always the same for the same parts."""
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:7])


@dataclass(frozen=True)
class Post:
    """One post, as the world sees it."""

    id: str
    account: str
    text: str
    at: datetime

    def figures(self, now: datetime) -> dict[str, int]:
        """What it has come to: nothing at first, half of its ceiling after a day, never less than before."""
        age = max(now - self.at, timedelta())
        views = (200 + drawn("views", self.id) % 20_000) * (age / (age + DAY))
        return {name: int(views * share) for name, share in SHARES.items()}


class Library:
    """Posts and accounts of one platform. It is made anew from the log, so it outlives a restart."""

    def __init__(self, world: World, platform: str) -> None:
        self._world, self._platform = world, platform
        self._posts: dict[str, Post] = {}
        self._bios: dict[str, str] = {}
        for line in world.journal.every():
            if line["kind"] == "published" and line["platform"] == platform:
                self._take(line, datetime.fromisoformat(line["at"]))

    def publish(self, account: str, post_id: str, text: str) -> Post:
        """An account publishes a post, or changes the words of one."""
        self._note(account, act="post", id=post_id, text=text)
        return self._posts[post_id]

    def remove(self, post_id: str) -> Post:
        """A post is taken away. Raises ValueError where there is none."""
        post = self.find(post_id)
        if post is None:
            raise ValueError("there is no such post")
        self._note(post.account, act="remove", id=post_id, text="")
        return post

    def describe(self, account: str, bio: str) -> None:
        """An account says something else of itself."""
        self._note(account, act="bio", id="", text=bio)

    def find(self, post_id: str) -> Post | None:
        return self._posts.get(post_id)

    def of(self, account: str) -> list[Post]:
        """An account's posts, newest first."""
        return [post for post in reversed(self._posts.values()) if post.account == account]

    def knows(self, account: str) -> bool:
        """Whether this account has published or described itself."""
        return account in self._bios or bool(self.of(account))

    def bio(self, account: str) -> str:
        return self._bios.get(account, "")

    def followers(self, account: str) -> int:
        return 500 + drawn("followers", self._platform, account) % 50_000

    def _note(self, account: str, *, act: str, id: str, text: str) -> None:
        line = {"platform": self._platform, "account": account, "act": act, "id": id, "text": text}
        self._world.journal.add("published", **line)
        self._take(line, self._world.clock.now())

    def _take(self, line: Mapping[str, str] | Json, at: datetime) -> None:
        known = self._posts.get(line["id"])
        match line["act"]:
            case "post" if known:
                self._posts[known.id] = replace(known, text=line["text"])
            case "post":
                self._posts[line["id"]] = Post(line["id"], line["account"], line["text"], at)
            case "remove":
                self._posts.pop(line["id"], None)
            case "bio":
                self._bios[line["account"]] = line["text"]
