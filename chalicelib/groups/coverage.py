"""Which nodes of the tree have a group, an approved influencer, enough women. No I/O.

Everything is summed from rows that each say one thing of one node, so the same rows give the same answer in
whatever order and however often they were written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from chalicelib.groups.model import Group, LinkState

Level = Literal["state", "district", "block", "booth"]
LEVELS: tuple[Level, ...] = ("state", "district", "block", "booth")
Show = Literal["all", "none", "dead", "no_influencer", "women"]
COUNTRY = "IN"
HEAD = "-"
"""The name, in its partition, of the area that the partition is of."""
UNTIL = "~"
"""Between what a node's row says and the node's last day."""
_DISTRICT = re.compile(r"(D\d{1,6})(-.+)?")


def partition_of(area: str) -> str:
    """Where the rows of an area lie: those of a district with all below it together, those of a state and of
    India with the sums of what lies right below them."""
    if found := _DISTRICT.fullmatch(area):
        return found[1]
    return area if area == COUNTRY else f"ST#{area}"


def area_of(partition: str) -> str:
    """The area that a partition is of."""
    return partition.removeprefix("ST#")


def short(area: str) -> str:
    """An area's name within its partition: `B12`, `A168-P1`; `-` for the one that the partition is of."""
    return area.partition("-")[2] if area.startswith("D") and "-" in area else HEAD


def long(partition: str, name: str) -> str:
    """The id that `short` made short."""
    return area_of(partition) if name == HEAD else f"{partition}-{name}"


def level_of(area: str) -> Level | Literal["country"]:
    """The level of an area, by its id."""
    if area == COUNTRY:
        return "country"
    if not area.startswith("D"):
        return "state"
    name = short(area)
    return "district" if name == HEAD else "block" if name.startswith("B") else "booth"


def over(until: str, today: str) -> bool:
    """Whether a last day has passed; days as `2026-03-31`, empty for none."""
    return bool(until) and until < today


@dataclass(frozen=True)
class Own:
    """What a row tells of one group: enough for all sums, in some ten characters."""

    state: LinkState
    members: int | None
    women: int | None

    @classmethod
    def of(cls, group: Group) -> Own:
        figures = group.figures
        return cls(group.state, figures.members if figures else None, figures.women if figures else None)

    def packed(self) -> str:
        members, women = ("" if number is None else str(number) for number in (self.members, self.women))
        return f"{self.state[0]}{members}/{women}"

    @classmethod
    def unpacked(cls, text: str) -> Own:
        members, _, women = text[1:].partition("/")
        state: LinkState = "alive" if text[0] == "a" else "dead"
        return cls(state, int(members) if members else None, int(women) if women else None)


@dataclass
class Sums:
    """What groups and people come to. `members` of groups that say how many are women are also kept apart:
    a share is of these alone."""

    groups: int = 0
    alive: int = 0
    with_figures: int = 0
    members: int = 0
    with_women: int = 0
    women: int = 0
    women_of: int = 0
    """Members of the groups that tell how many are women."""
    influencers: int = 0

    def take(self, own: Own) -> None:
        self.groups += 1
        self.alive += own.state == "alive"
        if own.members is not None:
            self.with_figures += 1
            self.members += own.members
            if own.women is not None:
                self.with_women += 1
                self.women += own.women
                self.women_of += own.members

    def add(self, other: Sums) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def share(self) -> float | None:
        """The share of women; None where nobody has said."""
        return self.women / self.women_of if self.women_of else None


@dataclass
class Node:
    """A place of the tree: the groups that are its own, and what lies in it and below."""

    area: str
    parent: str = ""
    here: Sums = field(default_factory=Sums)
    """Its own groups, and who is known by no smaller area."""
    below: Sums = field(default_factory=Sums)
    """The same with all that lies below."""
    goal: float | None = None
    """The share of women that a person has set, for it or for the nearest area above."""
    own_goal: bool = False
    until: str = ""
    """Its last day, when it has one."""

    @property
    def none(self) -> bool:
        return not self.here.groups

    @property
    def dead(self) -> bool:
        """Whether it has groups, and nobody can join any."""
        return self.here.groups > 0 and not self.here.alive

    @property
    def no_influencer(self) -> bool:
        return not self.below.influencers

    @property
    def under_goal(self) -> bool:
        share = self.below.share
        return share is not None and self.goal is not None and share < self.goal

    @property
    def lacks(self) -> list[str]:
        """What it lacks, by the names of `Show`."""
        gaps = {"none": self.none, "dead": self.dead, "no_influencer": self.no_influencer}
        return [name for name, lacking in (gaps | {"women": self.under_goal}).items() if lacking]

    def shown(self, show: Show) -> bool:
        """Whether a list of these gaps names it."""
        return show == "all" or show in self.lacks


@dataclass
class Gaps:
    """How many nodes of one level there are, and how many of them lack what."""

    nodes: int = 0
    none: int = 0
    dead: int = 0
    no_influencer: int = 0
    under_goal: int = 0
    no_figures: int = 0
    """Whose share of women nobody has said."""

    def take(self, node: Node) -> None:
        self.nodes += 1
        self.none += node.none
        self.dead += node.dead
        self.no_influencer += node.no_influencer
        self.under_goal += node.under_goal
        self.no_figures += node.below.share is None

    def add(self, other: Gaps) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def could_show(self, show: Show) -> bool:
        """Whether some node may be named in a list of these gaps. Who is under a goal depends on goals
        above."""
        return self.nodes > 0 if show in ("all", "women") else getattr(self, show) > 0


@dataclass
class Folded:
    """What a partition comes to, as it is kept in the one above: a district's for its state, a state's for
    India."""

    node: Node
    gaps: dict[str, Gaps] = field(default_factory=dict)
    """By level, of what lies below."""

    def packed(self) -> dict[str, Any]:
        sums = {name: _nonzero(asdict(one)) for name, one in (("h", self.node.here), ("b", self.node.below))}
        goal: dict[str, Any] = {"g": self.node.goal} if self.node.own_goal else {}
        if self.node.until:
            goal["u"] = self.node.until
        gaps = {level: _nonzero(asdict(one) | {"under_goal": 0}) for level, one in self.gaps.items()}
        return sums | goal | {"gaps": gaps}

    @classmethod
    def unpacked(cls, area: str, kept: Mapping[str, Any]) -> Folded:
        node = Node(area, here=Sums(**kept["h"]), below=Sums(**kept["b"]), goal=kept.get("g"))
        node.until = kept.get("u", "")
        node.own_goal = node.goal is not None
        return cls(node, {level: Gaps(**one) for level, one in kept["gaps"].items()})


def _nonzero(numbers: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}


@dataclass
class Partition:
    """All that is known of a district, a state or India, by its rows."""

    name: str
    path: tuple[str, ...] = ()
    """To the area that it is of; empty while nobody has said that there is such an area."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """By the area's id: the head, and in a district all below it."""
    folded: dict[str, Folded] = field(default_factory=dict)
    """Of a state or of India: what lies right below, by id."""
    people: dict[str, int] = field(default_factory=dict)
    """How many people were counted at which path below it, as the roster's keys have them."""

    @property
    def head(self) -> Node:
        return self.nodes[area_of(self.name)]

    def at(self, level: str) -> list[Node]:
        """Its nodes of a level right below, or anywhere in a district."""
        found = [one.node for one in self.folded.values()] + list(self.nodes.values())
        return [one for one in found if level_of(one.area) == level]

    def within(self, area: str) -> set[str]:
        """The ids of an area of a district and of all below it."""
        if area == area_of(self.name):
            return set(self.nodes)
        return {one.area for one in self.nodes.values() if area in (one.area, one.parent)}

    def says(self, area: str, path: Sequence[str], until: str) -> bool:
        """Whether this is what is known of where an area lies, and of its last day."""
        node = self.nodes.get(area)
        return node is not None and node.until == until and self.path_to(area) == tuple(path)

    def path_to(self, area: str) -> tuple[str, ...]:
        """The ids from India to an area in it; empty when there is none."""
        node = self.nodes.get(area)
        if node is None or not self.path:
            return ()
        if area == area_of(self.name):
            return self.path
        return (*self.path, *((node.parent,) if node.parent != self.path[-1] else ()), area)

    def inherit(self, goal: float | None) -> None:
        """Gives every node without a goal of its own that of the nearest area above; `goal`: the head's,
        from above."""
        head = self.head
        if not head.own_goal:
            head.goal = goal
        under = [one.node for one in self.folded.values()] + list(self.nodes.values())
        for node in sorted(under, key=lambda one: level_of(one.area) == "booth"):
            if node is not head and not node.own_goal:
                node.goal = self.nodes.get(node.parent, head).goal

    def fold(self) -> Folded:
        """What it comes to."""
        gaps: dict[str, Gaps] = {}
        for one in self.folded.values():
            gaps.setdefault(level_of(one.node.area), Gaps()).take(one.node)
            for level, some in one.gaps.items():
                gaps.setdefault(level, Gaps()).add(some)
        for node in self.nodes.values():
            if node is not self.head:
                gaps.setdefault(level_of(node.area), Gaps()).take(node)
        return Folded(self.head, gaps)


def read_rows(
    partition: str,
    rows: Iterable[tuple[str, str]],
    unpack: Callable[[str], Mapping[str, Any]],
    today: str,
) -> Partition:
    """A partition from its rows, name and value, in any order, without what had ended before `today`.
    `unpack` reads the JSON of a sum."""
    found = Partition(partition)
    groups: list[tuple[str, Own]] = []
    people: list[tuple[str, int]] = []
    goals: dict[str, float] = {}
    for name, value in rows:
        where, mark, rest = _parted(name)
        if mark == "#":
            groups.append((where, Own.unpacked(value)))
        elif mark == "%":
            people.append((where, int(value)))
            at = "/".join(long(partition, one) for one in (rest, where) if one != HEAD)
            found.people[at] = int(value)
        elif mark == "!":
            goals[where] = float(value)
        elif mark == "=":
            sums = Folded.unpacked(where, unpack(value))
            if not over(sums.node.until, today):
                found.folded[where] = sums
        else:
            said, _, until = value.partition(UNTIL)
            if not over(until, today):
                area = long(partition, where)
                above = long(partition, said) if where != HEAD else ""
                found.nodes[area] = Node(area, parent=above, until=until)
                found.path = tuple(said.split("/")) if where == HEAD else found.path
    if area_of(partition) not in found.nodes:
        return Partition(partition)
    _fill(found, groups, people, goals)
    return found


def _fill(
    found: Partition,
    groups: Sequence[tuple[str, Own]],
    people: Sequence[tuple[str, int]],
    goals: Mapping[str, float],
) -> None:
    for where, own in groups:
        if node := found.nodes.get(long(found.name, where)):
            node.here.take(own)
        else:  # of a place that is none (any more): among the district's groups, and not its own
            found.head.below.take(own)
    for where, number in people:
        # whoever lives in a place that is none (any more) is known by the district alone
        found.nodes.get(long(found.name, where), found.head).here.influencers += number
    for where, goal in goals.items():
        if node := found.nodes.get(long(found.name, where)):
            node.goal, node.own_goal = goal, True
    head = found.head
    for node in found.nodes.values():
        node.below.add(node.here)
        if node is head:
            continue
        head.below.add(node.here)
        above = found.nodes.get(node.parent)
        if above is not None and above is not head:
            above.below.add(node.here)
    for one in found.folded.values():
        head.below.add(one.node.below)


def _parted(name: str) -> tuple[str, str, str]:
    """`B12#…` in its three parts; a name without a mark is a node's own row."""
    for mark in "#%!=":
        if mark in name:
            where, _, rest = name.partition(mark)
            return where, mark, rest
    return name, "", ""


def order(area: str) -> tuple[int | str, ...]:
    """By which nodes are listed: booth 2 before booth 10."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", area))
