"""What the sandbox's Instagram and Facebook share: the Graph API's errors, and signed webhooks.

https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

from local.sandbox.posting import Envelope, Poster, Update, dumped
from local.sandbox.reply import Ask, Reply
from local.sandbox.world import Json, World

MESSAGES = {
    4: (403, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    100: (400, "Unsupported get request"),
    110: (400, "Invalid user id"),
    190: (401, "Invalid OAuth access token"),
}


class Refused(Exception):
    """The Graph API says no."""

    def __init__(self, code: int, subcode: int = 0, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        status, title = MESSAGES[code]
        error: Json = {"message": f"(#{code}) {message or title}", "type": "OAuthException", "code": code}
        if subcode:
            error["error_subcode"] = subcode
        self.reply = Reply(status, {"error": error | {"fbtrace_id": secrets.token_urlsafe(9)}})


MISSING = (100, 33, "Object does not exist, cannot be loaded due to missing permissions")


class Graph:
    """A platform of Meta's on a world: its webhooks, its token, its answers to faults."""

    def __init__(self, world: World, poster: Poster, url: str, kind: tuple[str, str], keys: Json) -> None:
        """`kind`: the platform's name, and the `object` of its webhooks. `keys`: app secret and token."""
        self._world, self._poster, self._token = world, poster, keys["access_token"]
        name, about = kind
        secret = keys["app_secret"].encode()

        def pack(wires: list[Json]) -> bytes:
            return dumped({"object": about, "entry": wires})

        def sign(body: bytes) -> dict[str, str]:
            return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()}

        self._envelope = Envelope(name, url, pack, sign, lambda: world.behaviour.batch)

    def answer(self, ask: Ask, node: Callable[[str, list[str], dict[str, str]], Json]) -> Reply:
        """Asks `node` for an object of the path, its edges and the query, as the token and the faults allow;
        it raises Refused."""
        try:
            if ask.token != f"Bearer {self._token}" or self._world.behaviour.channel_ill:
                raise Refused(190)
            name = self._envelope.platform
            if self._world.fate(name, "/".join(ask.path)).throttled or self._world.over_rate(name):
                raise Refused(4)
            if ask.method != "GET" or not ask.path[1:]:
                raise Refused(100)
            return Reply(200, node(ask.path[1], ask.path[2:], ask.query))
        except Refused as refused:
            return refused.reply

    def post(self, entry: Json, facts: Json) -> None:
        """Posts an entry of a webhook, timed now."""
        wire = {"time": int(self._world.clock.now().timestamp())} | entry
        self._poster.put([Update(self._envelope, wire, facts)], late=False)

    def message(self, account: str, sender: str, text: str) -> str:
        """A person writes to the account; the id of the message."""
        mid = "m_" + secrets.token_urlsafe(24)
        at = int(self._world.clock.now().timestamp() * 1000)
        event = {"sender": {"id": sender}, "recipient": {"id": account}, "timestamp": at}
        self.post(
            {"id": account, "messaging": [event | {"message": {"mid": mid, "text": text}}]},
            {"id": mid, "status": "inbound", "from": sender},
        )
        return mid


def insights(wanted: str, known: dict[str, int | None]) -> Json:
    """The named insights. One that this post cannot have fails them all; one that is not there yet is left
    out."""
    names = wanted.split(",")
    if unknown := [name for name in names if name not in known]:
        raise Refused(100, message=f"The value must be a valid insights metric: {unknown[0]}")
    told: Iterable[tuple[str, int | None]] = ((name, known[name]) for name in names)
    return {
        "data": [
            {"name": name, "period": "lifetime", "values": [{"value": value}]}
            for name, value in told
            if value is not None
        ]
    }
