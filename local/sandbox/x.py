"""X: webhooks around one account of ours, and figures of everybody's posts, as far as we can tell.

Every account exists, but those that begin with `nobody`. https://docs.x.com/x-api/webhooks/introduction,
https://docs.x.com/x-api/posts/lookup/introduction
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from local.config import X_APP
from local.sandbox.library import Library, Post, drawn
from local.sandbox.posting import Envelope, Poster, Update, dumped
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.world import Json, World, stamp

NAME = "x"
POSTS_MOST = 100
PROBLEM = "https://api.twitter.com/2/problems/"


def account_of(name: str) -> str:
    """The id of the account with this name."""
    return X_APP.account if name == X_APP.username else str(10**18 + drawn(NAME, name))


class X:
    """One account that has let our app in, and everybody else's, on one world."""

    NAME = NAME
    extras = frozenset({"post"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts: dict[str, Callable[[Act], str]] = {
            "text": self._message,
            "message": self._message,
            "post": self._publish,
            "remove": self._remove,
            "reply": self._reply,
            "like": self._like,
            "follow": self._follow,
            "bio": self._describe,
        }
        self._world, self._poster = world, poster
        self._library = Library(world, NAME)
        self._hooks: dict[str, Json] = {}
        self._envelope = self._posting_to(f"{webhooks}/webhooks/{NAME}")

    def _posting_to(self, url: str) -> Envelope:
        return Envelope(NAME, url, lambda wires: dumped(wires[0]), _signed_header, lambda: 1)

    def handle(self, asked: Ask) -> Reply:
        """Answers `/2/tweets`, `/2/users/by/username/<name>` and `/2/webhooks`."""
        if asked.token != f"Bearer {X_APP.bearer_token}" or self._world.behaviour.channel_ill:
            return _refused(401, "about:blank", "Unauthorized")
        if self._world.fate(NAME, "/".join(asked.path)).throttled or self._world.over_rate(NAME):
            return _refused(429, "about:blank", "Too Many Requests")
        match asked.method, asked.path:
            case "GET", ["2", "tweets"]:
                return self._posts(asked.query.get("ids", "").split(","))
            case "GET", ["2", "users", "by", "username", name]:
                return self._account(name.lower())
            case method, ["2", "webhooks", *hook]:
                return self._webhooks(method, hook, asked)
        return _refused(404, "about:blank", "Not Found")

    # --- figures -------------------------------------------------------------------------------------------

    def _posts(self, ids: list[str]) -> Reply:
        if not 0 < len(ids) <= POSTS_MOST or not all(one.isdecimal() for one in ids):
            return _refused(400, f"{PROBLEM}invalid-request", "One or more parameters is invalid.")
        found = [post for one in ids if (post := self._library.find(one))]
        missing = [one for one in ids if not self._library.find(one)]
        names = sorted({post.account for post in found})
        answer: Json = {}
        if found:
            answer["data"] = [self._shown(post) for post in found]
            answer["includes"] = {"users": [{"id": account_of(name), "username": name} for name in names]}
        if missing:
            answer["errors"] = [_problem(one) for one in missing]
        return Reply(200, answer)

    def _shown(self, post: Post) -> Json:
        figures = post.figures(self._world.clock.now())
        return {
            "id": post.id,
            "author_id": account_of(post.account),
            "text": post.text,
            "created_at": stamp(post.at),
            "public_metrics": {
                "impression_count": figures["views"],
                "like_count": figures["likes"],
                "reply_count": figures["comments"],
                "retweet_count": figures["shares"],
                "quote_count": figures["shares"] // 4,
                "bookmark_count": figures["saves"],
            },
        }

    def _account(self, name: str) -> Reply:
        if name.startswith("nobody"):
            return Reply(200, {"errors": [_problem(name)]})
        metrics = {"followers_count": self._library.followers(name)}
        told = {"id": account_of(name), "username": name, "description": self._library.bio(name)}
        return Reply(200, {"data": told | {"public_metrics": metrics}})

    # --- webhooks ------------------------------------------------------------------------------------------

    def _webhooks(self, method: str, hook: list[str], asked: Ask) -> Reply:
        match method, hook:
            case "POST", []:
                return self._register(str(asked.fields.get("url", "")))
            case "GET", []:
                return Reply(200, {"data": list(self._hooks.values())})
            case "PUT", [known] if known in self._hooks:
                self._challenge(known)
                return Reply(200, {"data": {"attempted": True}})
        return _refused(404, "about:blank", "Not Found")

    def _register(self, url: str) -> Reply:
        """Takes an address; events go there once it has answered the challenge."""
        if urlsplit(url).hostname != "127.0.0.1":
            return _refused(400, f"{PROBLEM}invalid-request", "The sandbox posts to 127.0.0.1 only.")
        hook = str(10**15 + len(self._hooks))
        self._hooks[hook] = {
            "id": hook,
            "url": url,
            "valid": False,
            "created_at": stamp(self._world.clock.now()),
        }
        self._challenge(hook)
        return Reply(201, {"data": self._hooks[hook]})

    def _challenge(self, hook: str) -> None:
        """The challenge-response check; an address that fails it gets nothing."""
        token = base64.b64encode(secrets.token_bytes(24)).decode()
        url = self._hooks[hook]["url"]

        def then(status: int, body: bytes) -> None:
            try:
                right = status == 200 and json.loads(body)["response_token"] == _signed(token.encode())
            except (ValueError, KeyError, TypeError):
                right = False
            with self._world.lock:
                self._world.journal.add("challenge", platform=NAME, url=url, passed=right)
                self._hooks[hook]["valid"] = right
                if right:
                    self._envelope = self._posting_to(url)

        self._poster.ask(f"{url}?{urlencode({'crc_token': token, 'nonce': secrets.token_urlsafe(8)})}", then)

    def _tell(self, kind: str, event: Json, about: str, **more: Json) -> str:
        wire = {"for_user_id": X_APP.account, kind: [event], **more}
        self._poster.put([Update(self._envelope, wire, {"id": about, "status": kind})], late=False)
        return about

    # --- what people do ------------------------------------------------------------------------------------

    def _publish(self, act: Act) -> str:
        """An account publishes a post. Ours is told of its own, and of those that name it."""
        post = self._new(act)
        named = re.search(rf"@{X_APP.username}\b", act.text, re.IGNORECASE)
        if post.account == X_APP.username or named:
            self._tell("tweet_create_events", self._tweet(post), post.id)
        return post.id

    def _reply(self, act: Act) -> str:
        """An answer to a post of ours."""
        under, post = self._ours(act), self._new(act)
        answered = {"in_reply_to_status_id_str": under.id, "in_reply_to_user_id_str": X_APP.account}
        return self._tell("tweet_create_events", self._tweet(post) | answered, post.id)

    def _remove(self, act: Act) -> str:
        post = self._library.remove(str(act.more.get("post", "")))
        if post.account == X_APP.username:
            status = {"id": post.id, "user_id": X_APP.account}
            self._tell("tweet_delete_events", {"status": status, "timestamp_ms": self._ms()}, post.id)
        return post.id

    def _like(self, act: Act) -> str:
        post, like = self._ours(act), secrets.token_hex(16)
        event = {"id": like, "timestamp_ms": self._ms(), "favorited_status": self._tweet(post)}
        return self._tell("favorite_events", event | {"user": _user(_name(act), act.name)}, like)

    def _follow(self, act: Act) -> str:
        us, them = _user(X_APP.username, "नमूना"), _user(_name(act), act.name)
        event = {"type": "follow", "created_timestamp": self._ms(), "target": us, "source": them}
        return self._tell("follow_events", event, account_of(_name(act)))

    def _message(self, act: Act) -> str:
        """A direct message to us."""
        sender, message = _name(act), str(drawn(act.sender, act.text, self._ms()))
        self._world.journal.add(
            "inbound",
            platform=NAME,
            **{"from": sender},
            text=act.text,
            name=act.name,
            id=message,
            type="text",
        )
        us = {"recipient_id": X_APP.account}
        made = {
            "target": us,
            "sender_id": account_of(sender),
            "message_data": {"text": act.text, "entities": {}},
        }
        event = {
            "type": "message_create",
            "id": message,
            "created_timestamp": self._ms(),
            "message_create": made,
        }
        return self._tell(
            "direct_message_events", event, message, users={account_of(sender): _user(sender, act.name)}
        )

    def _describe(self, act: Act) -> str:
        self._library.describe(_name(act), act.text)
        return account_of(_name(act))

    def _new(self, act: Act) -> Post:
        name = _name(act)
        nth = len(self._library.of(name))
        return self._library.publish(
            name, str(19 * 10**17 + drawn("post", name, str(nth), act.text)), act.text
        )

    def _ours(self, act: Act) -> Post:
        """The post of ours that is meant: the one that is named, else the newest."""
        ours = self._library.of(X_APP.username)
        found = [post for post in ours if act.more.get("post") in (None, post.id)]
        if not found:
            raise ValueError(f"{X_APP.username} has no such post")
        return found[0]

    def _tweet(self, post: Post) -> Json:
        return {
            "created_at": post.at.strftime("%a %b %d %H:%M:%S %z %Y"),
            "id": int(post.id),
            "id_str": post.id,
            "text": post.text,
            "user": _user(post.account, post.account),
            "timestamp_ms": str(int(post.at.timestamp() * 1000)),
        }

    def _ms(self) -> str:
        return str(int(self._world.clock.now().timestamp() * 1000))


def _name(act: Act) -> str:
    name = act.sender.removeprefix("@").lower()
    if not re.fullmatch(r"[a-z0-9_]{1,15}", name):
        raise ValueError("from must be an account's name")
    return name


def _user(name: str, shown: str) -> Json:
    return {"id": account_of(name), "id_str": account_of(name), "name": shown, "screen_name": name}


def _signed(content: bytes) -> str:
    made = hmac.new(X_APP.consumer_secret.encode(), content, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(made).decode()


def _signed_header(body: bytes) -> dict[str, str]:
    return {"x-twitter-webhooks-signature": _signed(body)}


def _problem(one: str) -> Json:
    named = {"resource_id": one, "value": one, "title": "Not Found Error"}
    return named | {"type": f"{PROBLEM}resource-not-found", "detail": f"Could not find {one}."}


def _refused(status: int, kind: str, detail: str) -> Reply:
    return Reply(status, {"type": kind, "title": detail, "status": status, "detail": detail})
