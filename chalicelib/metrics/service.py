"""Posts: handed in by their people, told by platforms, decided on by staff.

Every step may be repeated, and two may run at once. Who hands in writes the post and then reads what was told
of it; who tells writes that and then looks whether the post is there: in any order one of them sees the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import lists
from chalicelib.clock import Clock
from chalicelib.errors import FieldError, Forbidden, InvalidInput, NotFound, TooManyRequests, Transient
from chalicelib.events.catalog import Event, PostSubmitted
from chalicelib.handles import is_id
from chalicelib.i18n import negotiate, translate
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import MATRIX, Principal
from chalicelib.ids import new_token
from chalicelib.links import PostLink, post_link, posts_in
from chalicelib.metrics.disclosure import labels_in, tagged
from chalicelib.metrics.model import (
    MOST_OTHERS,
    READ,
    WINDOW,
    WRITE,
    Choice,
    Decision,
    Outcome,
    Post,
    Told,
    Wanted,
    Words,
    choose,
    fitting,
    match,
)
from chalicelib.metrics.snapshots import ask_with, close, shown_of, without_names
from chalicelib.metrics.store import POST, PostStore
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import MEDIUMS, Engaged, Measured, Posted, PostReading
from chalicelib.ports import Briefs, Contact, Deliveries, Handles, OwnAccount, People, department_holder
from chalicelib.telemetry import count

TRIES = 8
HOME_LANGUAGE = "hi"
POSTS_A_DAY = 50
"""Of one person: nobody publishes more, and a bot is not to fill the list."""
DAY_S = 24 * 3600
GIVEN_WITHIN = timedelta(days=90)
"""A creator may say of a post that it is for a campaign that reached them so long ago."""
PAGE = 100
"""Posts looked at for one page of a list: a rare filter answers early, with a cursor to go on."""


@dataclass(frozen=True)
class HandIn:
    """A post on its way in: by its person, or by staff for them or for a department's own handle."""

    link: PostLink
    evidence: str
    at: datetime
    contact: Contact | None = None
    department: str = ""
    campaign: str = ""
    staff: Principal | None = None
    """Who hands it in, when its person does not."""
    words: Words | None = None

    @property
    def owner(self) -> str:
        return self.contact.id if self.contact else self.department

    @property
    def holder(self) -> str:
        """Whose accounts it may be on."""
        return self.contact.id if self.contact else department_holder(self.department)


@dataclass(frozen=True)
class Posts:
    """Implements ports.Posts; what staff and creators do with posts."""

    store: PostStore
    people: People
    handles: Handles
    briefs: Briefs
    deliveries: Deliveries
    departments: Callable[[], Collection[str]]
    limits: RateLimits
    audit: Audit
    clock: Clock
    account_id: Callable[[str, str], str] = lambda platform, handle: ""
    """The platform's own id of an account by its handle, as its API tells it; empty where it tells none."""
    shred: Callable[[str], None] = lambda key: None
    """Takes a file out of the bucket."""
    measured: Callable[[str, Measured, datetime], None] = lambda post_id, news, at: None
    knows: Callable[[Principal, str], bool] = lambda who, campaign: True
    """Whether a member of staff may know of a campaign."""

    # --- handing in

    def handed_in(self, channel: str, address: str, text: str, *, evidence: str, at: datetime) -> str | None:
        links = posts_in(text) if channel in MEDIUMS else []
        person = self.people.owner(channel, address) if links else None
        contact = self.people.contacts([person]).get(person) if person else None
        if contact is None or contact.status != "approved":
            return None
        labels = tagged(text)
        words = Words(labels=labels, by="stated", at=at) if labels and len(links) == 1 else None
        language = negotiate(contact.language, None, HOME_LANGUAGE)
        replies = []
        for link in links:
            try:
                outcome = self.take(HandIn(link, evidence, at, contact, words=words))
            except TooManyRequests:
                replies.append(translate(language, TOO_MANY))
                break
            replies.append(self.reply(outcome, language))
        return None if channel in contact.suppressed else "\n\n".join(replies)

    def take(self, given: HandIn) -> Outcome:
        """Takes a post, or finds that it is there already. Raises InvalidInput for a campaign that cannot be
        its own."""
        post_id = self.store.place(given.link.platform, given.link.native_id)
        standing = self.store.find(post_id)
        if standing is None:
            self._spend(given)
            post = self._new(post_id, given)
            if self.store.add(post, _submitted(post)):
                count("PostsHandedIn")
                if self._left(post):
                    raise Forbidden
                return Outcome("new", self._catch_up(post))
            standing = self._found(post_id)
        return self._again(standing, given)

    def _new(self, post_id: str, given: HandIn) -> Post:
        link, contact = given.link, given.contact
        mine = self._mine(given.holder, link.platform)
        names = [one.name for one in mine if not is_id(one.name)]
        asked_under = link.account or (names[0] if len(names) == 1 else "")  # of a guess, "gone" says nothing
        told = Told(accounts=(link.account,)) if link.sure else Told()
        by_name = link.platform in ASKED_BY_ACCOUNT and asked_under and "/" not in link.native_id
        post = Post(
            id=post_id,
            rev=1,
            platform=link.platform,
            native_id=link.native_id,
            url=link.url,
            api_id=f"{asked_under}/{link.native_id}" if by_name else "",
            person=contact.id if contact else "",
            owner_department=given.department,
            area_path=contact.area_path if contact else (),
            handed_in_at=given.at,
            evidence=given.evidence,
            account=link.account,
            stated=given.words,
        )
        return self._weighed(post.with_told(told), mine).model_copy(update=self._for_campaign(given))

    def _again(self, standing: Post, given: HandIn) -> Outcome:
        """A post that was there: it counts once. What this hand-in adds is taken over."""
        if standing.evidence == given.evidence and standing.owner == given.owner:
            return Outcome("new", self._catch_up(standing))
        if standing.owner == given.owner:
            after = self._change(standing.id, lambda post: self._added(post, given), by=given.staff)
            return Outcome("known", self._catch_up(after))
        if given.contact is None or standing.withdrawn_at:
            return Outcome("taken", standing)
        person = given.contact.id

        def also(post: Post) -> Post:
            known = person in post.others or len(post.others) == MOST_OTHERS
            return post if known else post.changed(others=(*post.others, person))

        after = self._settled(self._change(standing.id, also))
        return Outcome("known" if after.person == person else "taken", after)

    def _added(self, post: Post, given: HandIn) -> Post:
        """What the same person says of their post a second time. Raises Forbidden for staff to whom the post
        as it stands does not belong."""
        changes: dict[str, object] = {}
        if given.campaign and post.campaign_by != "staff" and given.campaign != post.campaign:
            changes |= self._for_campaign(given)
            if given.staff:
                changes["decided_by"] = given.staff.id
        if given.words and (words := given.words.over(post.stated)) != post.stated:
            changes["stated"] = words
        if changes and given.staff:
            self._may(given.staff, post, WRITE)
        return post.changed(**changes) if changes else post

    def _for_campaign(self, given: HandIn) -> dict[str, object]:
        """What a post says of its campaign: the one given, or the one that reached its person last."""
        by = "staff" if given.staff else "given"
        if given.campaign:
            brief = self.briefs.brief(given.campaign)
            known = (
                self.knows(given.staff, given.campaign)
                if given.staff
                else given.contact is None or self._reached(given, GIVEN_WITHIN)
            )
            if brief is None or not known:
                raise _no_campaign(given.campaign)
            return _of_campaign(given.campaign, by, brief.department, brief.compensation)
        if given.contact is None:
            return {}
        at = given.at
        choice = choose(self.deliveries.received(given.contact.id, at - WINDOW, at), at)
        return self._chosen(choice)

    def _chosen(self, choice: Choice) -> dict[str, object]:
        brief = self.briefs.brief(choice.campaign) if choice.campaign else None
        if brief is None:
            return {"candidates": choice.candidates}
        return _of_campaign(brief.id, "latest", brief.department, brief.compensation)

    def _reached(self, given: HandIn, within: timedelta) -> bool:
        assert given.contact is not None
        received = self.deliveries.received(given.contact.id, given.at - within, given.at)
        return any(one.campaign_id == given.campaign for one in received)

    def _spend(self, given: HandIn) -> None:
        if not given.staff:
            self.limits.spend(f"posts#{given.owner}", POSTS_A_DAY, DAY_S)

    def reply(self, outcome: Outcome, language: str) -> str:
        """What a creator is told of their post."""
        post = outcome.post
        brief = self.briefs.brief(post.campaign) if post.campaign else None
        params: dict[str, object] = {"link": post.url, "title": brief.title if brief else ""}
        told = _sentences(outcome, named=brief is not None)
        return " ".join(translate(language, sentence, params) for sentence in told)

    # --- what platforms tell

    def told(self, platform: str, news: Posted | Measured | Engaged, at: datetime) -> None:
        """See ports.Posts."""
        match news:
            case Posted():
                self._posted(platform, news, news.at or at)
            case Measured():
                self.measured(self.store.place(platform, _native(platform, news.post_id)), news, at)
            case Engaged():
                count("PostsEngaged")

    def learned(self, post_id: str, reading: PostReading) -> None:
        """Takes what a platform's API says of a post that was handed in. May come again."""
        now = self.clock.now().replace(microsecond=0)
        post = self.store.find(post_id)
        if post is None or post.withdrawn_at:
            return
        accounts = {reading.account, reading.handle} - {""}
        words = None
        if reading.text is not None:
            words = Words(labels=labels_in(reading.text), by="platform", at=now)
        there = bool(accounts or reading.figures or words)
        told = Told(
            accounts=tuple(accounts),
            words=words,
            published_at=reading.published_at,
            seen_at=now if there and not reading.gone else None,
            removed_at=now if reading.gone else None,
        )
        self._hear(post, told, ask=self.account_id)

    def _posted(self, platform: str, news: Posted, at: datetime) -> None:
        link = post_link(news.url) if news.url else None
        native = _native(platform, news.post_id)
        if link is not None and link.platform == platform and link.native_id != native:
            post_id = self.store.id_of(platform, link.native_id)
            self.store.name_also(platform, native, post_id, self.clock.epoch())
            api_id = news.post_id
        else:
            post_id, api_id = self.store.place(platform, native), ""
        ours = news.kind != "mentions"  # a mention may be a comment's: its words are not the post's
        there = ours and news.kind != "removed"
        words = Words(labels=labels_in(news.text), by="platform", at=at) if there and news.text else None
        told = Told(
            accounts=(news.account,) if news.account else (),
            api_id=api_id,
            words=words,
            published_at=at if news.kind == "published" else None,
            seen_at=at if there else None,
            removed_at=at if news.kind == "removed" else None,
        )
        self._keep_told(post_id, told)
        post = self.store.find(post_id)
        if post is not None and not post.withdrawn_at:
            self._hear(post, told)

    def _keep_told(self, post_id: str, news: Told) -> None:
        for _ in range(TRIES):
            known, times = self.store.told(post_id)
            after = known.and_(news)
            if times and after == known:
                return
            if self.store.keep_told(post_id, after, times + 1, self.clock.epoch()):
                return
        raise Transient

    def _catch_up(self, post: Post) -> Post:
        """The post with what its platform told before it was handed in."""
        told, times = self.store.told(post.id)
        return self._hear(post, told) if times else post

    def _hear(self, post: Post, told: Told, ask: Callable[[str, str], str] | None = None) -> Post:
        """The post after what its platform told, kept. `ask`: where its own id of an account is had, when
        a name alone decides nothing."""
        if told.api_id and told.api_id != post.api_id:
            ask_with(post, told.api_id, self.clock.now())
        return self._settled(
            self._change(post.id, lambda one: self._weighed_anew(one.with_told(told), ask).revised(one))
        )

    def weigh_again(self, holder: str) -> None:
        """Looks anew whether the posts of a person or department (ports.department_holder) are theirs: they
        have shown that an account is theirs, or lost one to somebody else's proof. May be repeated."""
        for post, _ in list(self.store.listed("by_person", holder, None, PAGE)):
            self._settled(self._change(post.id, lambda one: self._weighed_anew(one).revised(one)))

    def _weighed_anew(self, post: Post, ask: Callable[[str, str], str] | None = None) -> Post:
        """The post by the accounts of whoever it belongs to by now: it may have passed on since it was
        found."""
        mine = self._mine(post.holder, post.platform)
        if ask and match(post.told, mine) == "not_known":
            mine = [
                one if one.account or is_id(one.name) else replace(one, account=ask(post.platform, one.name))
                for one in mine
            ]
        return self._weighed(post, mine)

    def _weighed(self, post: Post, mine: Sequence[OwnAccount]) -> Post:
        """The post with whether it is its person's or department's, and how sure that is."""
        if not post.holder:
            return post
        shown = any(one.proven for one in fitting(post.accounts, mine))
        ask = post.accounts and not shown
        return post.weighed(mine, self.handles.proven_by(post.platform, post.accounts) if ask else "")

    def _settled(self, post: Post) -> Post:
        """The post with whom it surely belongs to, when that is another person who has handed it in: whoever
        has shown that the account is theirs, or else stated the one that its platform told."""
        if not post.others or _final(post):
            return post
        for person in post.others:
            mine = self._mine(person, post.platform)
            proven = any(one.proven for one in fitting(post.accounts, mine))
            if proven or (post.matched != "yes" and match(post.told, mine) == "yes"):
                contact = self.people.contacts([person]).get(person)
                if contact is not None and contact.status == "approved":
                    after = self._change(post.id, lambda one, to=contact: self._passed_on(one, to, proven))  # type: ignore[misc]  # noqa: B023
                    return self._found(post.id) if self._left(after) else after
        return post

    def _passed_on(self, post: Post, to: Contact, proven: bool) -> Post:
        if post.person == to.id or _final(post) or (post.matched == "yes" and not proven):
            return post
        received = self.deliveries.received(to.id, post.handed_in_at - WINDOW, post.handed_in_at)
        return post.changed(
            **_of_campaign("", "", "", "") | self._chosen(choose(received, post.handed_in_at)),
            person=to.id,
            owner_department="",
            area_path=to.area_path,
            others=tuple(one for one in (*post.others, post.person) if one not in (to.id, "")),
            matched="yes",
            matched_by="platform" if post.told.accounts else "link",
            proven=proven,
            stated=None,
        )

    # --- when a person leaves

    def forget(self, person: str) -> None:
        """Takes person and link out of all posts of somebody who has left; may be repeated. What they were
        counted for, and their figures, stay."""
        for post, _ in list(self.store.listed("by_person", person, None, PAGE)):
            self._forget(post.id, person)

    def _left(self, post: Post) -> bool:
        """Whether its person left in the very moment in which it became theirs: the list of their posts may
        not have shown this one, so they are taken out of it here."""
        contact = self.people.contacts([post.person]).get(post.person) if post.person else None
        left = bool(post.person) and (contact is None or contact.status == "withdrawn")
        if left:
            self._forget(post.id, post.person)
        return left

    def _forget(self, post_id: str, person: str) -> None:
        for _ in range(TRIES):
            post = self._found(post_id)
            if post.person != person:
                return
            close(post_id)  # first: what is declared from now on is not kept, so nothing comes in behind us
            for screenshot in shown_of(post_id):
                self.shred(screenshot)
            without_names(post_id)
            if self.store.forget(post, post.without_person(self.clock.now().replace(microsecond=0))):
                count("PostsForgotten")
                return
        raise Transient

    # --- what staff do

    def submit(
        self, who: Principal, url: str, *, influencer: str, department: str, campaign: str, text: str
    ) -> Outcome:
        """A post handed in by staff, for an influencer or for a department's own handle. Raises InvalidInput,
        Forbidden."""
        link = post_link(url)
        if link is None:
            raise InvalidInput.of("url", "not_a_post", NOT_A_POST)
        if bool(influencer) == bool(department):
            raise InvalidInput.of("influencer", "owner", "Give either an influencer or a department.")
        contact = self.people.contacts([influencer]).get(influencer) if influencer else None
        if department and department not in self.departments():
            raise InvalidInput.of("department", "department_unknown", "There is no such department.")
        if influencer and not (
            contact and contact.status == "approved" and self._may_hand_in(who, contact, campaign)
        ):
            raise InvalidInput.of("influencer", "influencer_unknown", "There is no such approved person.")
        now = self.clock.now().replace(microsecond=0)
        words = Words(labels=labels_in(text), by="stated", at=now) if text else None
        given = HandIn(link, new_token(), now, contact, department, campaign, who, words)
        draft = self._new("", given)
        self._may(who, draft, WRITE)
        if department and not self._mine(given.holder, link.platform):
            raise InvalidInput.of("department", "handle_missing", NO_ACCOUNT, platform=link.platform)
        return self.take(given)

    def submit_mine(self, person: str, url: str, *, campaign: str, text: str) -> Outcome:
        """The same by its person. Raises InvalidInput, TooManyRequests."""
        link = post_link(url)
        if link is None:
            raise InvalidInput.of("url", "not_a_post", NOT_A_POST)
        contact = self.people.contacts([person]).get(person)
        if contact is None or contact.status != "approved":
            raise Forbidden
        now = self.clock.now().replace(microsecond=0)
        words = Words(labels=labels_in(text), by="stated", at=now) if text else None
        return self.take(HandIn(link, new_token(), now, contact, campaign=campaign, words=words))

    def decide(self, who: Principal, post_id: str, decision: Decision) -> Post:
        """Says for which campaign a post is, or whether it is its person's; audited. Raises NotFound,
        Forbidden, InvalidInput."""
        before = self.get(who, post_id, WRITE)
        if before.withdrawn_at:
            raise NotFound
        said: dict[str, object] = {"decided_by": who.id, "reason": decision.reason}
        after = before.changed(**said | self._decided(who, decision))
        self._may(who, after, WRITE)
        event = _submitted(after) if after.campaign != before.campaign else None
        now = self.clock.now()
        self.audit.committing(
            subject=f"post#{post_id}",
            action="post.decided",
            actor=who.id,
            at=now,
            detail={"campaign": after.campaign, "matched": after.matched},
            write=lambda transaction: self.store.write_change(transaction, after, event, now),
            refused=lambda failed: Transient(),
        )
        return after

    def _decided(self, who: Principal, decision: Decision) -> dict[str, object]:
        changes: dict[str, object] = {}
        if decision.matched is not None:
            changes |= {"matched": "yes" if decision.matched else "no", "matched_by": "staff"}
        if decision.campaign is not None:
            brief = self.briefs.brief(decision.campaign) if decision.campaign else None
            if decision.campaign and (brief is None or not self.knows(who, decision.campaign)):
                raise _no_campaign(decision.campaign)
            changes |= _of_campaign(decision.campaign, "staff", "", "")
            if brief is not None:
                changes |= _of_campaign(brief.id, "staff", brief.department, brief.compensation)
        return changes

    def get(self, who: Principal, post_id: str, action: str = READ) -> Post:
        """One post, for somebody who may do `action` with it. Raises NotFound, also for others' posts."""
        post = self.standing(post_id)
        if not covers(who, post, action):
            raise NotFound
        return post

    def listed(
        self, who: Principal, wanted: Wanted, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Post], dict[str, Any] | None]:
        """Up to `limit` posts that `who` may see, newest first, and where to go on."""
        return self._page(wanted, limit, after, lambda post: covers(who, post, READ))

    def of_person(
        self, who: Principal, person: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Post], dict[str, Any] | None]:
        """The same of one influencer."""
        return self.listed(who, Wanted(person=person), limit, after)

    def standing(self, post_id: str) -> Post:
        """A post that was handed in, as it stands now. Raises NotFound."""
        post = self.store.find(post_id)
        if post is None:
            raise NotFound
        return post

    def own(self, person: str, post_id: str) -> Post:
        """One post of this person's. Raises NotFound."""
        post = self.standing(post_id)
        if post.person != person:
            raise NotFound
        return post

    def mine(
        self, person: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Post], dict[str, Any] | None]:
        """Up to `limit` posts of one influencer, newest first, and where to go on."""
        return self._page(Wanted(person=person), limit, after, lambda post: True)

    def _page(
        self, wanted: Wanted, limit: int, after: Mapping[str, Any] | None, may: Callable[[Post], bool]
    ) -> tuple[list[Post], dict[str, Any] | None]:
        if wanted.person:
            rows = self.store.listed("by_person", wanted.person, _place(after), PAGE)
        elif wanted.campaign:
            rows = self.store.listed("by_campaign", wanted.campaign, _place(after), PAGE)
        else:
            rows = self.store.listed("by_time", POST, _place(after), PAGE)
        return lists.page(rows, limit, wanted.picks, may)

    def _may_hand_in(self, who: Principal, person: Contact, campaign: str) -> bool:
        """Whether somebody may know of a person whose post they hand in: in their areas, or for a campaign
        of their departments."""
        officer = bool(who.bound_to(WRITE)[1] and campaign)
        theirs = who.works_for_all(WRITE) or who.covers_area(person.area_path, WRITE)
        return theirs or officer and self.knows(who, campaign)

    def _may(self, who: Principal, post: Post, action: str) -> None:
        if not covers(who, post, action):
            raise Forbidden("This post belongs to another area or department.")

    # --- inside

    def _mine(self, holder: str, platform: str) -> list[OwnAccount]:
        """The accounts of a person or department on one platform."""
        found = self.handles.handles_of(holder) if holder else []
        return [one for one in found if one.platform == platform]

    def _change(self, post_id: str, change: Callable[[Post], Post], by: Principal | None = None) -> Post:
        """What `change` makes of a post, kept, and audited when a member of staff makes it; nothing is
        written when nothing changes, nor to what its person has left. Raises Transient when others were
        always quicker."""
        for _ in range(TRIES):
            before = self._found(post_id)
            after = before if before.withdrawn_at else change(before)
            if after == before:
                return before
            if self._keep(before, after, by):
                return after
        raise Transient

    def _keep(self, before: Post, after: Post, by: Principal | None) -> bool:
        """Writes a post's new state; False when another writer was quicker."""
        event = _submitted(after) if _counted_as(after) != _counted_as(before) else None
        now = self.clock.now()
        if by is None:
            return self.store.change(after, event, now)
        try:
            self.audit.committing(
                subject=f"post#{after.id}",
                action="post.handed_in_again",
                actor=by.id,
                at=now,
                detail={"campaign": after.campaign, "before": before.campaign},
                write=lambda transaction: self.store.write_change(transaction, after, event, now),
                refused=lambda failed: _Overtaken(),
            )
        except _Overtaken:
            return False
        return True

    def _found(self, post_id: str) -> Post:
        found = self.store.find(post_id)
        if found is None:
            raise Transient
        return found


class _Overtaken(Exception):
    """Another writer was quicker."""


ASKED_BY_ACCOUNT = frozenset({"instagram", "facebook"})
"""Platforms whose API finds a post by the code of its link only among an account's posts."""
NO_ACCOUNT = "This department has no account on %(platform)s. Add the account first."
NOT_A_POST = "This is not the link of a post that we know. Please give the full link of the post itself."


def _final(post: Post) -> bool:
    """Whether its owner stands whoever else says that it is theirs: by staff's word, or by proof."""
    return post.matched == "yes" and (post.matched_by == "staff" or post.proven)


def covers(who: Principal, post: Post, action: str) -> bool:
    """Whether somebody may do `action` with a post: coordinators in their areas, nodal officers for their
    departments, others with all."""
    by_place = who.covers_area(post.area_path, action)
    bound_to_places = who.roles & MATRIX[action] <= {"coordinator"}
    departments: Iterable[str] = post.departments or {""}
    return by_place or not bound_to_places and any(who.covers_department(d, action) for d in departments)


def _native(platform: str, api_id: str) -> str:
    """The id that a link would carry, where that can be read off the API's: Facebook's is
    `<page>_<post>`."""
    return api_id.rpartition("_")[2] if platform == "facebook" else api_id


def _submitted(post: Post) -> Event:
    return PostSubmitted(
        post_id=post.id,
        platform=post.platform,
        influencer_id=post.person,
        department=post.owner_department,
        campaign_id=post.campaign,
    )


def _counted_as(post: Post) -> tuple[str, str, str]:
    return post.person, post.owner_department, post.campaign


def _of_campaign(campaign: str, by: str, department: str, compensation: str) -> dict[str, object]:
    return {
        "campaign": campaign,
        "campaign_by": by,
        "campaign_department": department,
        "compensation": compensation,
        "candidates": (),
    }


def _no_campaign(campaign: str) -> InvalidInput:
    sentence = "There is no campaign %(id)s that this post could be for."
    return InvalidInput([FieldError("campaign", "campaign_unknown", sentence, {"id": campaign})])


def _place(after: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(after) if after else None


def _sentences(outcome: Outcome, *, named: bool) -> list[str]:
    """What is said of one post, in this order."""
    post = outcome.post
    if outcome.what == "taken":
        return [TAKEN]
    said = [KNOWN if outcome.what == "known" else FOR_CAMPAIGN if named else NOTED]
    if post.candidates:
        said.append(UNDECIDED)
    if post.matched == "no":
        said.append(ANOTHERS if post.matched_by == "proof" else NOT_YOURS)
    elif "/" in post.native_id and post.platform in ASKED_BY_ACCOUNT and not post.account:
        said.append(HIDDEN)
    if post.disclosed == "no":
        said.append(PAID if post.compensation == "paid" else IN_KIND)
    return said


TOO_MANY = "These are more posts than we take from one person in a day. Please send the others tomorrow."
TAKEN = "The post %(link)s was handed in by somebody else before. If it is yours, tell us: staff will look."
KNOWN = "The post %(link)s was handed in before: it counts once."
FOR_CAMPAIGN = "Thank you! Your post %(link)s is noted for the campaign “%(title)s”."
NOTED = "Thank you! Your post %(link)s is noted."
UNDECIDED = "It may belong to more than one campaign: our staff will look for which one it counts."
NOT_YOURS = "It is not on an account that you gave us: it counts once it is clear that it is yours."
ANOTHERS = (
    "Somebody else has shown that the account is theirs: it counts for nobody until it is clear whose it is. "
    "If it is yours, tell us: staff will look."
)
HIDDEN = "This short link does not show whose post it is. Please open it and send the full link."
PAID = "Its text does not say that it is an advertisement. Please add #ad or “विज्ञापन”."
IN_KIND = "Its text does not say that you got something for it. Please add #sponsored or “प्रायोजित”."
