"""Instagram's Graph API and webhooks, as far as a listener and a reader of figures can tell.

Every account but `<name>.private` is a professional one here.
https://developers.facebook.com/docs/instagram-platform
"""

import re
from collections.abc import Callable
from datetime import timedelta

from local.config import INSTAGRAM
from local.sandbox.graph import MISSING, Graph, Refused, insights
from local.sandbox.library import Library, Post, drawn
from local.sandbox.posting import Poster
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.world import Json, World

NAME = "instagram"
PERSONAL = ".private"
TOO_FEW = 5
LATE = timedelta(hours=1)
"""Reach and saves come later than the rest (the platform: up to 48 hours)."""
DISCOVERY = re.compile(r"business_discovery\.username\(([^)]*)\)\{(.*)\}")
MEDIA = re.compile(r"media\.limit\((\d+)\)(?:\.after\((\d+)\))?")


def scoped(name: str) -> str:
    """The id that our account sees of a person."""
    return str(10**15 + drawn(NAME, name) % 10**15)


class Instagram:
    """One professional account of ours, and everybody else's, on one world."""

    NAME = NAME
    extras = frozenset({"post", "figures"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts: dict[str, Callable[[Act], str]] = {
            "post": self._publish,
            "remove": lambda act: self._library.remove(_post_of(act)).id,
            "bio": self._describe,
            "comment": self._comment,
            "mention": self._mention,
            "message": self._message,
            "story_insights": self._story,
        }
        self._world = world
        self._library = Library(world, NAME)
        keys = {"app_secret": INSTAGRAM.app_secret, "access_token": INSTAGRAM.access_token}
        self._graph = Graph(world, poster, f"{webhooks}/webhooks/{NAME}", (NAME, NAME), keys)
        self._written = {
            scoped(line["from"]): line["from"]
            for line in world.journal.every()
            if line["kind"] == "inbound" and line["platform"] == NAME
        }

    def handle(self, asked: Ask) -> Reply:
        """Answers `/<version>/<account or media>`, our account's `/media` and a medium's `/insights`."""
        return self._graph.answer(asked, self._node)

    def _node(self, node: str, edge: list[str], query: dict[str, str]) -> Json:
        if node == INSTAGRAM.account_id and (found := DISCOVERY.fullmatch(query.get("fields", ""))):
            return {"business_discovery": self._discovered(found[1], found[2]), "id": node}
        if node == INSTAGRAM.account_id and edge == ["media"]:
            return self._page(INSTAGRAM.handle, int(query.get("limit", 25)), int(query.get("after", 0)))
        if node in self._written and not edge:
            return {"id": node, "username": self._written[node]}
        post = next((one for one in self._library.of(INSTAGRAM.handle) if _media(one) == node), None)
        if post is None:
            raise Refused(*MISSING)
        figures = post.figures(self._world.clock.now())
        if edge == ["insights"]:
            late = self._world.clock.now() - post.at < LATE
            known: dict[str, int | None] = {name: figures[name] for name in ("views", "shares", "likes")}
            known |= {
                "reach": None if late else figures["reach"],
                "saved": None if late else figures["saves"],
            }
            return insights(query.get("metric", ""), known | {"comments": figures["comments"]})
        return self._shown(post)

    def _discovered(self, name: str, fields: str) -> Json:
        if not re.fullmatch(r"[a-z0-9._]{1,30}", name) or name.endswith(PERSONAL):
            raise Refused(110, 2207013)
        ours = name == INSTAGRAM.handle
        told: Json = {
            "id": INSTAGRAM.account_id if ours else str(17841400000000000 + drawn("account", name) % 10**9),
            "username": name,
            "followers_count": self._library.followers(name),
            "biography": self._library.bio(name),
        }
        if page := MEDIA.search(fields):
            told["media"] = self._page(name, int(page[1]), int(page[2] or 0))
        return told

    def _page(self, name: str, most: int, start: int) -> Json:
        posts, end = self._library.of(name), start + most
        cursors = {"after": str(end)} if end < len(posts) else {}
        return {"data": [self._shown(post) for post in posts[start:end]], "paging": {"cursors": cursors}}

    def _shown(self, post: Post) -> Json:
        figures = post.figures(self._world.clock.now())
        return {
            "id": _media(post),
            "permalink": f"https://www.instagram.com/p/{post.id}/",
            "username": post.account,
            "caption": post.text,
            "timestamp": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "like_count": figures["likes"],
            "comments_count": figures["comments"],
            "view_count": figures["views"],
        }

    # --- what people do ------------------------------------------------------------------------------------

    def _publish(self, act: Act) -> str:
        """An account publishes; the code of the link."""
        account = _name(act)
        nth = len(self._library.of(account))
        code = str(act.more.get("post") or f"N{drawn(account, str(nth)):x}")
        if not re.fullmatch(r"[A-Za-z0-9_-]{5,30}", code):
            raise ValueError("post must be a code: 5 to 30 letters, digits, _ and -")
        return self._library.publish(account, code, act.text).id

    def _describe(self, act: Act) -> str:
        self._library.describe(_name(act), act.text)
        return act.sender

    def _comment(self, act: Act) -> str:
        post = self._ours(act)
        comment = str(17900000000000000 + drawn("comment", post.id, act.sender, act.text) % 10**12)
        value = {
            "id": comment,
            "from": {"id": scoped(_name(act)), "username": _name(act)},
            "text": act.text,
            "media": {"id": _media(post), "media_product_type": "FEED"},
        }
        return self._change("comments", value, comment)

    def _mention(self, act: Act) -> str:
        """Our name stands under a post of somebody else."""
        post = self._library.find(_post_of(act))
        if post is None:
            raise ValueError("there is no such post")
        return self._change("mentions", {"media_id": _media(post)}, _media(post))

    def _message(self, act: Act) -> str:
        self._world.journal.add(
            "inbound", platform=NAME, **{"from": _name(act)}, text=act.text, name=act.name, type="message"
        )
        self._written[scoped(_name(act))] = _name(act)
        return self._graph.message(INSTAGRAM.account_id, scoped(_name(act)), act.text)

    def _story(self, act: Act) -> str:
        """A story of ours is over; values under 5 are told as -1."""
        figures = act.more.get("figures") or {}
        known = isinstance(figures, dict) and all(isinstance(one, int) for one in figures.values())
        if not known or not act.more.get("post"):
            raise ValueError('give post, the story\'s id, and figures, such as {"reach": 40}')
        told = {name: value if value >= TOO_FEW else -1 for name, value in figures.items()}
        value = {"media_id": _post_of(act), **told}
        return self._change("story_insights", value, _post_of(act))

    def _change(self, field: str, value: Json, about: str) -> str:
        facts = {"id": about, "status": field}
        self._graph.post({"id": INSTAGRAM.account_id, "changes": [{"field": field, "value": value}]}, facts)
        return about

    def _ours(self, act: Act) -> Post:
        """The post of ours that is meant: the one that is named, else the newest."""
        ours = self._library.of(INSTAGRAM.handle)
        found = [post for post in ours if act.more.get("post") in (None, post.id)]
        if not found:
            raise ValueError(f"{INSTAGRAM.handle} has no such post")
        return found[0]


def _media(post: Post) -> str:
    return str(17990000000000000 + drawn("media", post.id) % 10**12)


def _post_of(act: Act) -> str:
    return str(act.more.get("post", ""))


def _name(act: Act) -> str:
    name = act.sender.removeprefix("@").lower()
    if not re.fullmatch(r"[a-z0-9._]{1,30}", name):
        raise ValueError("from must be an account's name")
    return name
