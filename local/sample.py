"""The sample programme: an invented district modelled on the articles, or real ground, and invented creators.

Nobody here is real: names are drawn from common ones, phones from one invented range, handles begin with
`namuna`, and everything is marked as a sample. Nothing is ever sent beyond this machine's loopback.
"""

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.directory.service import Directory
    from chalicelib.ports import Area

Json = dict[str, Any]

DATA = Path(__file__).parent / "data" / "programme.json"
BOOTHS_A_BLOCK = 12
PHONE_BASE = 919000000000
CHAT_BASE = 7_000_000_000
FOLLOWERS_MOST = 400_000
REAL_DISTRICTS = 24
"""So many districts of the real ground have creators; Lucknow (LGD 162) is one of them."""
LUCKNOW = "D162"
PLATFORMS = ("instagram", "youtube", "facebook", "x", "telegram", "whatsapp")
LEVELS = ("booth", "block", "district", "state")
LEVEL_WEIGHTS = (55, 30, 12, 3)


@cache
def programme() -> Json:
    """The data file, read once."""
    loaded: Json = json.loads(DATA.read_text(encoding="utf-8"))
    return loaded


# --- areas


def _area(level: str, path: Sequence[str], names: Mapping[str, str]) -> "Area":
    from chalicelib.ports import Area

    return Area(path[-1], level, tuple(path), dict(names))  # type: ignore[arg-type]


def _names(of: Json) -> dict[str, str]:
    return {language: of[language] for language in ("hi", "en")}


def sample_areas() -> Iterator["Area"]:
    """India, the invented state, its districts, blocks and polling booths."""
    kept = programme()
    yield _area("country", ["IN"], {"hi": "भारत", "en": "India"})
    state = ["IN", kept["state"]["id"]]
    yield _area("state", state, _names(kept["state"]))
    for district in kept["districts"]:
        path = [*state, district["id"]]
        yield _area("district", path, _names(district))
        booth_no = 0
        for number, block in enumerate(district["blocks"], start=1):
            below = [*path, f"{district['id']}-B{district['id'][1:]}{number:02}"]
            yield _area("block", below, _names(block))
            for room in range(BOOTHS_A_BLOCK):
                booth_no += 1
                place = kept["booths"][room % len(kept["booths"])]
                names = {
                    "hi": f"{place['hi']} {block['hi']}, कक्ष {room // len(kept['booths']) + 1}",
                    "en": f"{place['en']} {block['en']}, room {room // len(kept['booths']) + 1}",
                }
                yield _area("booth", [*below, f"{district['id']}-A{district['assembly']}-P{booth_no}"], names)


def real_areas(folder: Path) -> Iterator["Area"]:
    """India's states, districts and blocks, and Lucknow's polling booths, from the files in `folder`.

    A block's code may stand in two districts, so its id carries the district's. Booths stand under their
    district: which block they lie in is not in the files.
    """
    yield _area("country", ["IN"], {"hi": "भारत", "en": "India"})
    states: dict[str, str] = {}
    for row in _rows(folder / "admin_states.csv"):
        states[row["lgd_state_code"]] = row["iso_3166_2"]
        yield _area("state", ["IN", row["iso_3166_2"]], _both(row["name_hi"], row["name_en"]))
    districts: dict[str, list[str]] = {}
    for row in _rows(folder / "admin_districts.csv"):
        path = ["IN", states[row["lgd_state_code"]], f"D{row['lgd_district_code']}"]
        districts[row["lgd_district_code"]] = path
        yield _area("district", path, _both(row["name_hi"], row["name_en"]))
    for row in _rows(folder / "admin_blocks.csv"):
        path = districts[row["lgd_district_code"]]
        yield _area(
            "block", [*path, f"{path[-1]}-B{row['lgd_block_code']}"], _both("", row["name_en"].title())
        )
    for row in _rows(folder / "up_booths_2014_dev.csv"):
        path = districts[row["lgd_district_code"]]
        if path[-1] == LUCKNOW:
            booth = f"{LUCKNOW}-A{row['ac_no']}-P{row['booth_no']}"
            yield _area("booth", [*path, booth], _both("", row["booth_name"].title()))


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _both(hi: str, en: str) -> dict[str, str]:
    return {language: name for language, name in (("hi", hi), ("en", en)) if name.strip()}


def areas_from(folder: Path | None) -> list["Area"]:
    """The areas of the given folder, or the invented ones."""
    return list(sample_areas() if folder is None else real_areas(folder))


def load_directory(directory: "Directory", areas: Sequence["Area"], *, sample: bool) -> None:
    """Store areas, and the sample's themes and departments."""
    directory.put_areas(areas, sample=sample)
    for theme in programme()["themes"]:
        directory.put_theme(theme["id"], _names(theme), sample=True)
    for department in programme()["departments"]:
        directory.put_department(department["id"], _names(department), sample=True)


# --- creators


@dataclass(frozen=True)
class Creator:
    """One invented person."""

    number: int
    name: str
    gender: str
    language: str
    area: str
    channel: str
    profession: str
    themes: tuple[str, ...]
    handles: tuple[tuple[str, str, int], ...]
    """(platform, handle, followers as stated)."""
    also: tuple[str, ...] = ()
    """Over which they may be reached besides: `sms`, `email`."""

    @property
    def phone(self) -> str:
        """E.164, in the invented range."""
        return f"+{PHONE_BASE + self.number}"

    @property
    def chat(self) -> str:
        """Their Telegram chat, should they use it."""
        return str(CHAT_BASE + self.number)

    @property
    def email(self) -> str:
        """Their mailbox, should they use it."""
        return f"namuna{self.number}@sample.test"

    @property
    def channels(self) -> tuple[str, ...]:
        """All over which they have consented to be reached, their own first."""
        return (self.channel, *self.also)

    @property
    def address(self) -> str:
        """Where messages over their channel arrive."""
        return {"telegram": self.chat, "email": self.email}.get(self.channel, self.phone)


def creators(
    count: int,
    areas: Sequence["Area"],
    *,
    first: int = 1,
    seed: int = 1,
    telegram: float = 0.2,
    elsewhere: float = 0.0,
) -> list[Creator]:
    """`count` creators, numbered from `first`, spread over the areas; the same seed gives the same people.

    `elsewhere`: the share of those not on Telegram who can be reached by SMS or email, too or only.
    """
    draw = random.Random(f"janjan sample {seed}")
    ground = _ground(areas, draw)
    people = [_creator(number, draw, ground, telegram) for number in range(first, first + count)]
    return [_elsewhere(person, elsewhere, seed) for person in people]


WAYS = (("whatsapp", "sms", "email"), ("whatsapp", "sms"), ("sms", "email"), ("email",))
"""How creators who are reached by SMS or email are reached: their own channel first."""


def _elsewhere(person: Creator, share: float, seed: int) -> Creator:
    draw = random.Random(f"janjan ways {seed} {person.number}")
    if person.channel == "telegram" or draw.random() >= share:
        return person
    [(channel, *also)] = draw.choices(WAYS, (4, 4, 1, 1))
    return replace(person, channel=channel, also=tuple(also))


def _ground(areas: Sequence["Area"], draw: random.Random) -> dict[str, list["Area"]]:
    """Areas by level, of all districts if they are few, else of a handful with Lucknow among them."""
    districts = [area.id for area in areas if area.level == "district"]
    if len(districts) > REAL_DISTRICTS:
        districts = [LUCKNOW, *draw.sample([d for d in districts if d != LUCKNOW], REAL_DISTRICTS - 1)]
    chosen = set(districts)
    ground: dict[str, list[Area]] = {level: [] for level in LEVELS}
    for area in areas:
        if area.level == "state" or (len(area.path) > 2 and area.path[2] in chosen):
            ground[area.level].append(area)
    return ground


def _creator(number: int, draw: random.Random, ground: dict[str, list["Area"]], telegram: float) -> Creator:
    kept = programme()
    gender = draw.choice(("female", "male"))
    given_hi, given_en = draw.choice(kept["given"][gender]).split("/")
    family_hi, family_en = draw.choice(kept["family"]).split("/")
    language = "hi" if draw.random() < 0.8 else "en"
    [level] = draw.choices(LEVELS, LEVEL_WEIGHTS)
    used = draw.sample(PLATFORMS[:4], draw.choices((0, 1, 2, 3), (10, 40, 35, 15))[0])
    handle = f"namuna{number}"  # X takes 15 letters, Facebook no underscore
    return Creator(
        number=number,
        name=f"{given_hi} {family_hi}" if language == "hi" else f"{given_en} {family_en}",
        gender=gender,
        language=language,
        area=draw.choice(ground[level]).id,
        channel="telegram" if draw.random() < telegram else "whatsapp",
        profession=draw.choice(kept["professions"]),
        themes=tuple(draw.sample([theme["id"] for theme in kept["themes"]], draw.randint(1, 3))),
        handles=tuple((platform, handle, _followers(draw)) for platform in used),
    )


def _followers(draw: random.Random) -> int:
    """Few have many: followers fall off as they do on platforms."""
    return min(int(draw.lognormvariate(8, 1.6)), FOLLOWERS_MOST)
