"""The Graph API and webhooks of Facebook Pages, as far as a listener and a reader of figures can tell.

Our app has Page Public Content Access: every Page that has published or described itself is shown.
https://developers.facebook.com/docs/graph-api/webhooks/reference/page
"""

import re
from collections.abc import Callable

from local.config import FACEBOOK
from local.sandbox.graph import MISSING, Graph, Refused, insights
from local.sandbox.library import Library, Post, drawn
from local.sandbox.posting import Poster
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.world import Json, World

NAME = "facebook"


def page_id(name: str) -> str:
    return FACEBOOK.page_id if name == FACEBOOK.handle else str(10**14 + drawn("page", name) % 10**13)


def person_id(name: str) -> str:
    """The id that our Page sees of a person."""
    return str(7 * 10**15 + drawn("person", name) % 10**14)


class Facebook:
    """One Page of ours, and everybody else's, on one world."""

    NAME = NAME
    extras = frozenset({"post"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts: dict[str, Callable[[Act], str]] = {
            "post": self._publish,
            "remove": self._remove,
            "bio": self._describe,
            "comment": self._comment,
            "like": self._like,
            "mention": self._mention,
            "message": self._message,
        }
        self._world = world
        self._library = Library(world, NAME)
        keys = {"app_secret": FACEBOOK.app_secret, "access_token": FACEBOOK.access_token}
        self._graph = Graph(world, poster, f"{webhooks}/webhooks/{NAME}", (NAME, "page"), keys)

    def handle(self, asked: Ask) -> Reply:
        """Answers `/<version>/<page or post>` and a post's `/insights`."""
        return self._graph.answer(asked, self._node)

    def _node(self, node: str, edge: list[str], query: dict[str, str]) -> Json:
        page, _, number = node.partition("_")
        if number:
            post = self._library.find(number)
            if post is None or page_id(post.account) != page:
                raise Refused(*MISSING)
            if edge == ["insights"]:
                return self._insights(post, query)
            return self._shown(post)
        name = node.lower()
        if name == FACEBOOK.page_id:
            name = FACEBOOK.handle
        if name != FACEBOOK.handle and not self._library.knows(name):
            raise Refused(*MISSING)
        told = {"username": name, "followers_count": self._library.followers(name)}
        return {"id": page_id(name), "about": self._library.bio(name), **told}

    def _insights(self, post: Post, query: dict[str, str]) -> Json:
        if post.account != FACEBOOK.handle:
            raise Refused(10)
        figures = post.figures(self._world.clock.now())
        known = {"post_media_view": figures["views"], "post_total_media_view_unique": figures["reach"]}
        return insights(query.get("metric", ""), {**known})

    def _shown(self, post: Post) -> Json:
        figures = post.figures(self._world.clock.now())
        told: Json = {
            "id": f"{page_id(post.account)}_{post.id}",
            "message": post.text,
            "created_time": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "from": {"id": page_id(post.account), "name": post.account},
            "reactions": {"data": [], "summary": {"total_count": figures["likes"]}},
            "comments": {"data": [], "summary": {"total_count": figures["comments"]}},
        }
        return told | ({"shares": {"count": figures["shares"]}} if figures["shares"] else {})

    # --- what people do ------------------------------------------------------------------------------------

    def _publish(self, act: Act) -> str:
        """A Page publishes; the number in the link. Of our own Page a webhook tells."""
        account = _name(act)
        number = str(
            act.more.get("post") or 2 * 10**14 + drawn(account, str(len(self._library.of(account)))) % 10**13
        )
        if not re.fullmatch(r"[0-9]{5,20}", number):
            raise ValueError("post must be a number of 5 to 20 digits")
        known = self._library.find(number)
        self._tell(self._library.publish(account, number, act.text), "edited" if known else "add")
        return number

    def _remove(self, act: Act) -> str:
        post = self._library.remove(str(act.more.get("post", "")))
        self._tell(post, "remove")
        return post.id

    def _tell(self, post: Post, verb: str) -> None:
        if post.account == FACEBOOK.handle:
            url = f"https://www.facebook.com/{post.account}/posts/{post.id}"
            mine = {"id": FACEBOOK.page_id, "name": post.account}
            value = {"item": "status", "message": post.text, "permalink_url": url}
            self._feed(post, verb, mine, value)

    def _describe(self, act: Act) -> str:
        self._library.describe(_name(act), act.text)
        return act.sender

    def _comment(self, act: Act) -> str:
        post = self._ours(act)
        comment = f"{post.id}_{drawn('comment', post.id, act.sender, act.text) % 10**12}"
        self._feed(post, "add", _person(act), {"item": "comment", "comment_id": comment, "message": act.text})
        return comment

    def _like(self, act: Act) -> str:
        """One like comes twice: as a like and as a reaction."""
        post, person = self._ours(act), _person(act)
        self._feed(
            post, "add", None, {"item": "like", "sender_id": person["id"], "sender_name": person["name"]}
        )
        self._feed(post, "add", person, {"item": "reaction", "reaction_type": "like"})
        return post.id

    def _mention(self, act: Act) -> str:
        """Another Page names ours in a post."""
        post = self._library.find(str(act.more.get("post", "")))
        if post is None:
            raise ValueError("there is no such post")
        value = {"item": "post", "sender_id": page_id(post.account), "message": post.text}
        self._change("mention", f"{page_id(post.account)}_{post.id}", value | {"verb": "add"})
        return post.id

    def _message(self, act: Act) -> str:
        person = _person(act)
        self._world.journal.add(
            "inbound", platform=NAME, **{"from": person["id"]}, text=act.text, name=act.name, type="message"
        )
        return self._graph.message(FACEBOOK.page_id, person["id"], act.text)

    def _feed(self, post: Post, verb: str, who: Json | None, value: Json) -> None:
        about = {"verb": verb, **({"from": who} if who else {})}
        self._change("feed", f"{FACEBOOK.page_id}_{post.id}", value | about)

    def _change(self, field: str, post: str, value: Json) -> None:
        told = {"post_id": post, "created_time": int(self._world.clock.now().timestamp()), **value}
        facts = {"id": post, "status": str(value["item"])}
        self._graph.post({"id": FACEBOOK.page_id, "changes": [{"field": field, "value": told}]}, facts)

    def _ours(self, act: Act) -> Post:
        """The post of ours that is meant: the one that is named, else the newest."""
        ours = self._library.of(FACEBOOK.handle)
        found = [post for post in ours if act.more.get("post") in (None, post.id)]
        if not found:
            raise ValueError(f"{FACEBOOK.handle} has no such post")
        return found[0]


def _name(act: Act) -> str:
    name = act.sender.lower().replace(".", "")
    if not re.fullmatch(r"[a-z0-9]{5,50}", name):
        raise ValueError("from must be a Page's name")
    return name


def _person(act: Act) -> Json:
    if not act.sender:
        raise ValueError("from must name a person")
    return {"id": person_id(act.sender), "name": act.name}
