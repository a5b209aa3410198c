"""Collaborators of the processor that work, in memory, and can be made to die at any step."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.callbacks.letters import Bucket, Letterbox
from chalicelib.callbacks.service import Callbacks
from chalicelib.errors import PlatformOff
from chalicelib.platforms.base import Outgoing
from chalicelib.platforms.registry import ADAPTERS

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies: nobody catches it."""


@dataclass
class Steps:
    """Counts every call of a collaborator; dies `before` or after the n-th."""

    die_at: int | None = None
    before: bool = True
    taken: list = field(default_factory=list)

    def run(self, name, act):
        self.taken.append(name)
        mine = len(self.taken) == self.die_at
        if mine and self.before:
            raise Crash(name)
        result = act()
        if mine:
            raise Crash(name)
        return result


class Stepping:
    """Sends each call of a method that does not begin with `_` through the steps."""

    def __init__(self, target, steps):
        self._target, self._steps = target, steps

    def __getattr__(self, name):
        value = getattr(self._target, name)
        if not callable(value):
            return value
        return lambda *args, **kwargs: self._steps.run(name, lambda: value(*args, **kwargs))


class FakePeople:
    """Keeps the last word of each address, as ports.People says."""

    def __init__(self):
        self.words, self.started, self.tokens = {}, {}, {"Zm9vYmFy-123": "हो गया"}
        self.aliases = {}

    def stop(self, channel, address, *, evidence, at):
        return self._heard(channel, address, True, evidence, at)

    def restart(self, channel, address, *, evidence, at):
        return self._heard(channel, address, False, evidence, at)

    def also_known(self, channel, address, alias, *, at):
        self.aliases[channel, alias] = address

    def start_telegram(self, token, chat_id, *, at):
        if self.started.setdefault(token, chat_id) != chat_id:
            return None
        return self.tokens.get(token)

    def _heard(self, channel, address, stopped, evidence, at):
        before = self.words.get((channel, address), (datetime.min.replace(tzinfo=UTC), False, ""))
        if before[1:] == (stopped, evidence):
            return "hi"
        if (before[0], before[1]) >= (at, stopped):
            return None
        changed_by = evidence if before[1] != stopped else before[2]
        self.words[channel, address] = (at, stopped, changed_by)
        return "hi" if before[1] != stopped else None

    def stopped(self):
        return {key for key, (_, stopped, _) in self.words.items() if stopped}


class FakeTallies:
    """Facts by key, set once; keys that begin with `cmp_` are ours."""

    def __init__(self):
        self.facts, self.calls = {}, 0

    def record(self, proofs):
        self.calls += 1
        unmatched = []
        for proof in proofs:
            if proof.delivery_key.startswith("cmp_"):
                self.facts.setdefault((proof.delivery_key, proof.fact), proof.code)
            else:
                unmatched.append(proof)
        return unmatched


class FakeDirect:
    """Sends once for (subject, key); over nothing of a platform, or of a medium, that is off."""

    def __init__(self):
        self.sent, self.lines, self.off = {}, {}, set()

    def send(self, *, subject, key, channel, to, message, line=None):
        if (line.platform if line else channel) in self.off:
            raise PlatformOff(platform=channel)
        self.lines[subject, key] = line
        if (subject, key) in self.sent:
            return "already"
        self.sent[subject, key] = (channel, to, message.text)
        return "accepted"

    def texts(self):
        return sorted(self.sent.values())


class FakeTexts:
    """What is registered for SMS, by name."""

    def __init__(self):
        self.words = {"janjan_stopped": "रुक गया", "janjan_restarted": "फिर से"}

    def sms(self, name, language, *params):
        words = self.words.get(name)
        return words and Outgoing(text=words, template="1107160000000000001", header="NAMUNA")


class FakeWaiting:
    """Who wrote something that asks for what waits."""

    def __init__(self):
        self.replies, self.lines = [], []

    def replied(self, channel, address, at, line):
        self.replies.append((channel, address, at))
        self.lines.append(line)


class FakePosts:
    """What was handed in and told, each once; a link of x.test is a post."""

    def __init__(self):
        self.taken, self.news = {}, {}

    def handed_in(self, channel, address, text, *, evidence, at):
        if "x.test/" not in text:
            return None
        self.taken.setdefault((channel, address, evidence), text)
        return "noted"

    def told(self, platform, news, at):
        self.news[platform, news.dedupe_id] = (news, at)


class FakeVoices:
    """Problems that were heard, each once: whatever tells of a pit; `answer` is what they are answered."""

    def __init__(self):
        self.taken, self.answer = {}, "ticket"

    def heard(self, channel, said, *, line, at):
        if "गड्ढा" not in said.text:
            return None
        self.taken.setdefault(said.dedupe_id, (channel, said.sender, said.text, line, at))
        return self.answer


class FakeFollows:
    """What hubs said of our subscriptions."""

    def __init__(self):
        self.words = []

    def told(self, platform, news, at):
        self.words.append((platform, news.account, news.lease_s, at))


class FakeOwnership:
    """Codes that were heard, and from whom."""

    def __init__(self):
        self.shown = {}

    def heard(self, platform, said, at):
        if "janjan-" not in said.text:
            return None
        self.shown[said.text] = (platform, said.sender)
        return "confirmed"


class FakeSeen:
    def __init__(self):
        self.ids = set()

    def already(self, dedupe_id):
        return dedupe_id in self.ids

    def first_time(self, dedupe_id):
        self.ids.add(dedupe_id)
        return True


class FakeStore:
    def __init__(self):
        self.kept = {}

    def keep_inbound(self, platform, said, received_at):
        self.kept["inbound", platform, said.dedupe_id] = said

    def keep_notice(self, platform, news, received_at):
        self.kept["notice", platform, news.dedupe_id] = news

    def keep_unknown(self, platform, what, received_at):
        self.kept["unknown", platform, what.dedupe_id] = what

    def sorts(self):
        return sorted(sort for sort, _, _ in self.kept)


class FakeBus:
    """Events by id: consumers know what they have seen."""

    def __init__(self):
        self.entries = {}

    def publish(self, entries):
        self.entries |= {entry.id: entry for entry in entries}
        return len(entries)


class FakeHalts:
    """Who was halted by a platform's word."""

    def __init__(self):
        self.halted = []

    def stop_platform(self, platform, code, *, probed=True):
        self.halted.append((platform, code) if probed else (platform, code, "until a person lifts it"))

    def pause_campaign(self, campaign_id, code):
        self.halted.append((campaign_id, code))

    def pause_template(self, platform, template, language, code):
        self.halted.append((platform, template, language, code))


class World:
    """What lives on when a process dies."""

    def __init__(self):
        self.people, self.tallies, self.direct = FakePeople(), FakeTallies(), FakeDirect()
        self.seen, self.store, self.bus = FakeSeen(), FakeStore(), FakeBus()
        self.halts, self.waiting, self.follows = FakeHalts(), FakeWaiting(), FakeFollows()
        self.posts, self.ownership, self.voices = FakePosts(), FakeOwnership(), FakeVoices()
        self.texts = FakeTexts()

    def processor(self, steps=None):
        parts = {
            "people": self.people,
            "tallies": self.tallies,
            "waiting": self.waiting,
            "posts": self.posts,
            "voices": self.voices,
            "follows": self.follows,
            "ownership": self.ownership,
            "direct": self.direct,
            "texts": self.texts,
            "seen": self.seen,
            "store": self.store,
            "bus": self.bus,
            "channel_halts": self.halts,
            "campaign_halts": self.halts,
        }
        if steps:
            parts = {name: Stepping(part, steps) for name, part in parts.items()}
        box = Letterbox(queue=None, bucket=Bucket("none"))
        return Callbacks(adapters=ADAPTERS, letterbox=box, pseudonym=lambda text: f"<{text}>", **parts)

    def outcome(self):
        """All that may be seen from outside."""
        return {
            "stopped": sorted(self.people.stopped()),
            "started": dict(self.people.started),
            "aliases": dict(self.people.aliases),
            "shown": dict(self.ownership.shown),
            "facts": dict(self.tallies.facts),
            "sent": self.direct.texts(),
            "kept": sorted(self.store.kept),
            "posts": sorted(self.posts.taken),
            "events": sorted(self.bus.entries),
        }


def message(platform, body, at=NOON):
    """The text of a queue message."""
    packed = base64.b64encode(body if isinstance(body, bytes) else json.dumps(body).encode()).decode()
    return json.dumps({"platform": platform, "received_at": at.isoformat(), "body": packed})
