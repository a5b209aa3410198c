"""Every bench runs through with a few recipients and prints what was agreed. No time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from bench import against, callbacks, simulation
from bench.callbacks import News, Post
from bench.costs import Usage, delete_charge, lambda_seconds, sqs_charge
from local.deploy import package
from local.engine import ROOT


@pytest.fixture(scope="module")
def resources(tmp_path_factory):
    return yaml.safe_load((package(tmp_path_factory.mktemp("packaged")) / "sam.yaml").read_text())[
        "Resources"
    ]


FIGURE = {"name", "value", "unit", "peer", "peer_value", "ratio"}


def figures(*wanted):
    command = [sys.executable, "-m", "bench", *wanted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(line) == FIGURE for line in lines)
    return {line["name"]: line["value"] for line in lines}


@pytest.mark.slow
def test_both_ways_reach_everybody_and_their_costs_are_told_by_table_and_in_money():
    found = figures("against", "30", "1", "10")
    assert found["life_write_units"] > found["life_write_units_ledger"] >= 1.0  # a late sender claims again
    assert found["life_money"] == pytest.approx(
        sum(value for name, value in found.items() if name.startswith("life_money_")), abs=0.01
    )
    assert {"throughput_client", "throughput_of_raw", "life_one_a_post_sqs_requests"} <= set(found)


@pytest.mark.slow
def test_callbacks_are_told_from_route_to_queue_and_from_queue_to_tally():
    found = figures("callback", "20", "5", "1")
    assert found["callback_route_many"] < found["callback_route_one"]
    assert {"callback_route_one_queued", "callback_tally_together", "callback_tally_apart_cpu"} <= set(found)


@pytest.mark.slow
def test_imports_are_told_against_bare_writes_and_their_memory_by_size():
    found = figures("imports", "40", "100", "3000")
    assert found["imports_areas_items"] == 80
    assert {"imports_areas", "imports_areas_again", "imports_memory"} <= set(found)


@pytest.mark.slow
def test_an_audience_by_turnout_is_exact_and_its_pages_are_told_for_each_size():
    found = figures("audience", "1500", "5000")
    assert found["audience_lowest_wrong"] == found["audience_below_wrong"] == 0
    assert {"audience_page_units", "audience_below_page_memory_5000"} <= set(found)


@pytest.mark.slow
def test_pages_are_told_by_weight_requests_calls_and_cpu():
    found = figures("pages", "3")
    assert found["pages_signup_requests"] <= 3
    assert found["pages_signup_weight"] <= 60
    assert found["pages_signup_calls"] <= 2
    assert found["pages_landing_cpu"] > 0


@pytest.mark.slow
def test_the_memory_of_bringing_turnout_in_is_told_for_each_size():
    assert {"turnout_memory_200", "turnout_memory_300"} <= set(figures("turnout", "200", "300"))


@pytest.mark.slow
def test_growth_is_told_for_each_size():
    assert {"growth_cpu_30", "growth_cpu_60", "growth_planner_memory_60"} <= set(
        figures("growth", "30", "60")
    )


@pytest.mark.slow
def test_the_deployed_system_tells_its_costs_with_and_without_aggregation():
    found = figures("dispatch", "10", "2")
    assert found["deployed_write_units"] >= 1.0
    assert found["deployed_one_a_post_sqs_requests"] > found["deployed_sqs_requests"]


def test_the_simulation_says_of_each_size_how_long_and_what_limits():
    found = {figure.name: figure for figure in simulation.run()}
    slow, fast = found["simulated_hours_1m_at_80"], found["simulated_hours_1m_at_1000"]
    assert slow.value == pytest.approx(1_000_000 / (80 * simulation.AIM) / 3600)
    assert "the channel's rate" in slow.unit
    assert fast.value < slow.value
    assert found["simulated_hours_10m_at_80"].value == pytest.approx(10 * slow.value)


def test_quotas_of_the_simulation_are_those_of_the_template(resources):
    names = {"send": "SendChunk", "plan": "PlanRun", "callbacks": "ProcessCallbacks"}
    for name, function in names.items():
        properties = resources[function]["Properties"]
        assert simulation.QUOTAS[f"{name}_memory_mb"] == properties["MemorySize"]
        mapping = next(e["Properties"] for e in properties["Events"].values() if e["Type"] == "SQS")
        most = mapping["ScalingConfig"]["MaximumConcurrency"]
        most = most["Fn::If"][1] if isinstance(most, dict) else most
        assert simulation.QUOTAS[f"{name}_concurrency"] == most


def test_what_a_recipient_more_costs_leaves_out_what_each_run_costs_once():
    def meter(people, each, once):
        made = against.Meter(Usage(recipients=people, sqs_requests=once + each * people))
        made.usage.writes["ledger"] = once + each * people
        return made

    more = against.each_more(meter(50, 0.5, 7), meter(200, 0.5, 7), 50, 1)
    assert more.usage.each()["sqs_requests"] == pytest.approx(0.5)
    assert more.usage.each()["write_units"] == pytest.approx(0.5)


def test_a_bench_that_does_not_exist_is_named():
    command = [sys.executable, "-m", "bench", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "BENCH is one of" in done.stderr


def test_typical_people_make_two_point_six_callbacks_in_their_order():
    told = callbacks.timeline(2000, steady=True)
    assert len(told) / 2000 == pytest.approx(2.6, abs=0.05)
    assert [one.at for one in told] == sorted(one.at for one in told)
    of_one = [one.status for one in told if one.place == 7]
    assert of_one == list(callbacks.STATUSES[: len(of_one)])


def test_a_post_holds_what_came_within_its_time_and_at_most_a_thousand():
    told = [News(n / 1000, n, "sent") for n in range(3000)]
    assert [len(post.news) for post in callbacks.posts(told, 0.5)] == [500] * 6
    assert [len(post.news) for post in callbacks.posts(told, 60)] == [1000] * 3
    assert [len(post.news) for post in callbacks.posts(told[:4], 0)] == [1] * 4


def test_pollers_gather_batches_of_their_own_and_lose_no_post():
    posts = [Post(n * 0.1, (News(n * 0.1, n, "sent"),)) for n in range(500)]
    handed = list(callbacks.batches(posts, 10, 2.0))
    assert sorted(post.at for batch in handed for post in batch) == [post.at for post in posts]
    assert max(len(batch) for batch in handed) <= 10
    assert all(batch[-1].at - batch[0].at <= 2.0 for batch in handed)
    assert callbacks.tally_writes(handed, lambda place: place // 25) < 500


def test_sqs_charges_each_64_kilobytes_and_deletes_ten_messages_at_once():
    assert [sqs_charge(sizes) for sizes in ([], [10], [65_536], [65_536, 1], [1000] * 10)] == [1, 1, 1, 2, 1]
    assert [delete_charge(n) for n in (0, 1, 10, 11)] == [0, 1, 1, 2]


def test_money_is_amounts_times_prices_for_a_million():
    usage = Usage(recipients=10, sqs_requests=10)
    usage.writes["ledger"] = 20
    assert usage.dollars()["write_units"] == pytest.approx(2 * 0.7115)
    assert usage.dollars()["sqs_requests"] == pytest.approx(0.4)


def test_a_lambda_with_less_memory_than_a_processor_takes_longer_for_the_same_work():
    assert lambda_seconds(1.0, 0, 0, 1769) == pytest.approx(1.0)
    assert lambda_seconds(1.0, 100, 2, 512) == pytest.approx(1769 / 512 + 0.5 + 0.3)
