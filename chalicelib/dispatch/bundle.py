"""The proof of one run: who was planned, what became of each, who decided, and the audit around it, as files
that `scripts/verify_bundle.py` checks without us.

Queue `plan`: {"bundle": run, "id": bundle, "step": n}. Each step reads one slice of the run, writes it as a
part named by its hash, and notes the part and where to go on in one conditional write: a copy of a message,
or a step that died half-way, leaves at most an object that nothing names. The last step writes the audit and
the manifest, and notes the manifest's hash in the audit. Ids alone are in it: no name, number or text.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from chalicelib.clock import Clock, rfc3339
from chalicelib.dispatch.channels import ways_now
from chalicelib.dispatch.model import (
    EPOCH,
    Chunk,
    Fact,
    Facts,
    Status,
    Tally,
    origin_of,
    partitions,
    status_of,
    total,
)
from chalicelib.dispatch.report import counts_as_json
from chalicelib.dispatch.store import BundleState, DispatchStore
from chalicelib.errors import Conflict, NotFound, Transient
from chalicelib.files import Files
from chalicelib.identity.audit import Audit
from chalicelib.identity.chain import all_chains, chain_of
from chalicelib.ids import new_id
from chalicelib.platforms.base import Gateway
from chalicelib.ports import Areas, RunBrief, Runs
from chalicelib.queues import Queue

FORMAT = "janjan-bundle-1"
FOLDER = "bundles/"
SLICE = 500
"""Chunks a step: a second or two of a Lambda, and some 20 s where most of them have attempts that follow."""
READERS = 8
LINK_S = 900
COUNTED = ("targeted", "planned", "in_progress", "accepted", "delivered", "read", "failed", "unknown")
BY_REASON = ("skipped", "not_sent")
ENDED = ("dispatched", "cancelled", "expired")
READS = 20
ROOTS = 4000


@dataclass(frozen=True)
class Bundler:
    store: DispatchStore
    runs: Runs
    areas: Areas
    gateway: Gateway
    audit: Audit
    files: Files
    plan_queue: Queue
    clock: Clock
    organisation_kind: str

    def order(self, who: str, run: str) -> BundleState:
        """Begins a bundle of a run that has ended, or hurries on the one that is being made.

        Raises NotFound; Conflict for a run that is still under way.
        """
        brief = self.runs.get(run)
        if brief is None:
            raise NotFound
        if brief.status not in ENDED:
            raise Conflict("The run has not ended yet: what becomes of it cannot be proven before.")
        standing = self.store.bundle(run)
        if standing is None or standing.status != "running":
            begun = BundleState(new_id("bdl"), run, "running", by=who, at=self.clock.now())
            ours = self.store.begin_bundle(begun, standing)
            standing = begun if ours else self.store.bundle(run) or begun
        self._queue(standing)
        return standing

    def latest(self, runs: Sequence[str]) -> list[BundleState]:
        """How far the latest bundle of each run is, in their order, without runs of which nobody asked for
        one."""
        found = self.store.bundles(runs)
        return [found[run] for run in runs if run in found]

    def links(self, state: BundleState) -> dict[str, str]:
        """By file name, addresses from which the files of a finished bundle can be read for 15 minutes."""
        names = [*(part["name"] for part in state.parts), state.manifest] if state.status == "done" else []
        return {_plain(name): self.files.link(_key(state, name), LINK_S) for name in names}

    def step(self, message: Mapping[str, Any]) -> None:
        """One message of the queue `plan`. Any of them may come twice, and at the same time."""
        state = self.store.bundle(message["bundle"])
        if state is None or state.id != message["id"] or state.status != "running":
            return
        if state.step > int(message["step"]):  # its write was noted, what follows perhaps not queued
            self._queue(state)
        elif state.shard < len(partitions(state.run)):
            self._slice(state)
        else:
            self._finish(state)

    def _slice(self, state: BundleState) -> None:
        """The next chunks of one partition, each with all that follows it elsewhere."""
        tallies, more = self.store.tally_page(state.run, state.shard, state.after, SLICE)
        planned = [tally for tally in tallies if origin_of(tally.chunk) is None]
        with ThreadPoolExecutor(READERS) as readers:
            found = readers.map(partial(self._family, state.run), planned)
            families = [tally for family in found for tally in family]
        if any(_unfinished(tally) for tally in families):
            self.store.put_bundle(replace(state, status="unfinished", step=state.step + 1))
            return
        chunks = self.store.chunks_of(state.run, [tally.chunk for tally in families if tally.size])
        lines = [_line(tally, chunks.get(tally.chunk)) for tally in families]
        counts = _summed(state.counts, counts_as_json(total(families)))
        parts = state.parts + ([self._part(state, "chunks", lines)] if lines else [])
        districts = sorted({*state.districts, *(tally.district for tally in families)})
        after = replace(
            state,
            step=state.step + 1,
            shard=state.shard + (not more),
            after=more,
            counts=counts,
            parts=parts,
            districts=districts,
        )
        if self.store.put_bundle(after):
            self._queue(after)

    def _family(self, run: str, tally: Tally) -> list[Tally]:
        """A planned chunk's tally and those of the attempts that follow it, as they were at one moment: read
        until twice the same, for a person counts at one of them only."""
        if not any(_followed(facts) for facts in tally.facts.values()):
            return [tally]
        seen: list[Tally] = []
        for _ in range(READS):
            found = self.store.family(run, tally.chunk)
            if found == seen:
                return found
            seen = found
        raise Transient

    def _finish(self, state: BundleState) -> None:
        """The decisions, the audit, the manifest, and its hash in the audit."""
        brief = self.runs.get(state.run)
        if brief is None:
            raise NotFound
        decided = [
            {
                "key": one.key,
                "decision": one.decision,
                "by": one.by,
                "at": rfc3339(one.at),
                "resend": one.resend,
            }
            for one in self.store.all_decisions(state.run)
        ]
        subject = f"campaign#{brief.campaign_id}"
        roots = self.audit.roots(ROOTS)  # before the heads: what is sealed is in the chains that are read
        chains = {chain_of(subject)} | {chain_of(f"delivery#{one['key']}") for one in decided}
        chains |= {chain for chain in all_chains() if chain.partition("#")[0] in ("stop", "election")}
        heads = {chain: head for chain in sorted(chains) if (head := self.audit.head(chain)).seq}
        entries = [
            {"chain": chain} | vars(entry)
            for chain, head in heads.items()
            for entry in self.audit.chain(chain)
            if entry.seq <= head.seq
        ]
        since = next((entry["at"] for entry in entries if entry["subject"] == subject), "")[:10]
        sealed = [asdict(root) for root in reversed(roots) if root.date >= since]
        parts = [
            *state.parts,
            self._part(state, "decisions", decided),
            self._part(state, "audit", entries),
            self._part(state, "roots", sealed),
        ]
        about = self._about(brief, state)
        ends = {chain: [head.seq, head.hash] for chain, head in heads.items()}
        manifest = about | {"counts": state.counts, "parts": parts, "chains": ends}
        body = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest()
        name = f"manifest-{digest[:16]}.json"
        self.files.put(_key(state, name), body)
        done = replace(state, status="done", step=state.step + 1, parts=parts, manifest=name, sha256=digest)
        try:
            self.audit.committing(
                subject=subject,
                action="campaign.bundle_made",
                actor=state.by,
                at=self.clock.now(),
                detail={"run": state.run, "manifest": digest},
                write=partial(self.store.end_bundle, state=done),
                refused=lambda failed: _Overtaken(),
            )
        except _Overtaken:  # a copy of this message was faster
            return

    def _about(self, brief: RunBrief, state: BundleState) -> dict[str, Any]:
        found = {one: self.areas.get(one.removeprefix("ST#")) for one in state.districts}
        paths = {one: list(area.path) for one, area in found.items() if area is not None}
        times = {name: getattr(brief, name) for name in ("at", "expires_at", "ended_at")}
        ways = ways_now(self.gateway, brief.channels)
        return {
            "format": FORMAT,
            "bundle": state.id,
            "made_at": rfc3339(state.at),
            "made_by": state.by,
            "organisation_kind": self.organisation_kind,
            "campaign": brief.campaign_id,
            "run": brief.run_id,
            "kind": brief.kind,
            "department": brief.department,
            "status": brief.status,
            **{name: rfc3339(at) if at else None for name, at in times.items()},
            "channels": {one: ways[one].id if one in ways else "" for one in brief.channels},
            "platforms": {medium: way.platform for medium, way in ways.items()},
            "districts": paths,
            "content_sha256": self.runs.fingerprint(brief.run_id),
        }

    def _part(self, state: BundleState, holds: str, lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Writes a part and gives what the manifest says of it. The same lines make the same file."""
        packed = [json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines]
        body = gzip.compress("".join(packed).encode(), mtime=0)
        digest = hashlib.sha256(body).hexdigest()
        name = f"{holds}-{state.step:05d}-{digest[:16]}.jsonl.gz"
        self.files.put(_key(state, name), body)
        return {"name": name, "holds": holds, "lines": len(packed), "bytes": len(body), "sha256": digest}

    def _queue(self, state: BundleState) -> None:
        self.plan_queue.put([{"bundle": state.run, "id": state.id, "step": state.step}])


class _Overtaken(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """Another copy of the same step was written first."""


def _key(state: BundleState, name: str) -> str:
    return f"{FOLDER}{state.run}/{state.id}/{name}"


def _plain(name: str) -> str:
    """The manifest's name without its hash: so it is found in a folder."""
    return "manifest.json" if name.startswith("manifest-") else name


def _followed(facts: Facts) -> bool:
    return status_of(facts) is Status.SUPERSEDED or Fact.KEPT in facts


def _unfinished(tally: Tally) -> bool:
    """Whether somebody of a planned chunk has no outcome yet, so that another place may still hold them."""
    return origin_of(tally.chunk) is None and not all(tally.settled(i) for i in range(tally.size))


def _line(tally: Tally, chunk: Chunk | None) -> dict[str, Any]:
    """A chunk as the bundle tells it: times are seconds since 1970, codes and reasons are texts."""
    if tally.size and chunk is None:  # written in the same transaction: a read that lagged behind
        raise Transient
    zero = int(EPOCH.timestamp())
    return {
        "chunk": tally.chunk,
        "attempt": chunk.attempt if chunk else 1,
        "channel": tally.channel,
        "language": tally.language,
        "district": tally.district,
        "people": list(chunk.people) if chunk else [],
        "skipped": dict(tally.skipped),
        "facts": {
            str(index): {
                fact.name.lower(): value + zero if isinstance(value, int) else value
                for fact, value in sorted(known.items())
            }
            for index, known in sorted(tally.facts.items())
        },
    }


def _summed(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of all slices so far."""
    plain = {name: before.get(name, 0) + more[name] for name in COUNTED}
    reasons = {name: dict(Counter(before.get(name, {})) + Counter(more[name])) for name in BY_REASON}
    return plain | reasons
