"""What the packaged template promises about each table, queue, function and alarm."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
import yaml

from chalicelib.dispatch import decisions, fallback
from chalicelib.platforms import ses
from chalicelib.settings import Settings
from chalicelib.telemetry import SERVICE
from chalicelib.webhooks import poster
from chalicelib.webhooks import service as webhooks
from local.engine import ROOT
from local.server import NOT_FOUND, NOT_FOUND_HEADERS
from scripts.package import template_problems
from tests.infra.conftest import of_type
from tests.infra.test_tables import NAMES

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"


def events_of(resources: dict[str, Any], kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(function, mapping) of every event source of one kind."""
    return [
        (function, event["Properties"])
        for function in of_type(resources, FUNCTION).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == kind
    ]


def queue_of(resources: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
    name = re.fullmatch(r"\$\{(\w+)\.Arn\}", mapping["Queue"]["Fn::Sub"])
    assert name is not None
    return of_type(resources, QUEUE)[name[1]]


def watched(resources: dict[str, Any], metric: str) -> list[str]:
    """The resources whose metric has an alarm."""
    alarms = [a for a in of_type(resources, ALARM).values() if a["MetricName"] == metric]
    values = [dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]]
    return sorted(v["Ref"] if "Ref" in v else v["Fn::GetAtt"][0] for v in values)


def test_cfn_lint_finds_nothing_and_every_handler_is_of_app(packaged):
    assert template_problems(packaged / "sam.yaml") == []


def test_pages_travel_compressed_and_fonts_as_bytes(resources):
    [api] = of_type(resources, "AWS::Serverless::Api").values()
    assert api["MinimumCompressionSize"] == 1024
    assert api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_every_resource_has_a_type(resources):
    assert [name for name, resource in resources.items() if "Type" not in resource] == []


def test_every_queue_mapping_reports_single_failures_and_limits_its_concurrency(resources):
    mappings = events_of(resources, "SQS")
    assert len(mappings) == 6
    for _, mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert "MaximumConcurrency" in mapping["ScalingConfig"]


def test_messages_stay_invisible_six_times_as_long_as_their_function_runs_and_a_batch_is_gathered(resources):
    for function, mapping in events_of(resources, "SQS"):
        gathered_s = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue_of(resources, mapping)["VisibilityTimeout"] >= 6 * function["Timeout"] + gathered_s


def test_what_is_queued_before_a_transaction_appears_when_its_function_has_surely_ended(resources):
    functions = of_type(resources, FUNCTION)
    assert functions["PlanRun"]["Timeout"] <= fallback.SURELY_ENDED_S
    assert functions["APIHandler"]["Timeout"] <= decisions.SURELY_ENDED_S


def test_every_queue_that_is_read_hands_failures_to_a_dead_letter_queue_of_its_own(resources):
    targets = [
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for _, mapping in events_of(resources, "SQS")
        for queue in [queue_of(resources, mapping)]
    ]
    assert len(set(targets)) == 6


def test_every_queue_is_encrypted_and_named_by_its_stage(resources):
    for queue in of_type(resources, QUEUE).values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["QueueName"]["Fn::Sub"].startswith("janjan-${Stage}-")


def test_every_table_is_on_demand_recoverable_encrypted_expiring_and_protected_in_prod(resources):
    tables = of_type(resources, "AWS::DynamoDB::Table")
    assert len(tables) == len(NAMES)
    for table in tables.values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_what_holds_data_outlives_its_stack(resources):
    keeping = (QUEUE, "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool")
    for resource in resources.values():
        if resource["Type"] in {*keeping, "AWS::SecretsManager::Secret"}:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
            assert resource["UpdateReplacePolicy"] == "Retain"


def test_streams_of_tables_are_split_around_a_bad_record_and_end_in_dead_letters(resources):
    mappings = [mapping for _, mapping in events_of(resources, "DynamoDB")]
    assert sorted(mapping["Stream"]["Fn::GetAtt"][0] for mapping in mappings) == [
        "CampaignsTable",
        "CoverageTable",
        "DepartmentsTable",
        "DirectoryTable",
        "PeopleTable",
        "PoliciesTable",
        "PostsTable",
        "RosterTable",
        "VoicesTable",
    ]
    for mapping in mappings:
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRetryAttempts"] > 0
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
            "Fn::GetAtt": ["EventsDead", "Arn"]
        }


def test_rules_of_events_are_on_our_bus(resources):
    rules = [rule for _, rule in events_of(resources, "CloudWatchEvent")]
    assert len(rules) == 5
    assert all(rule["EventBusName"] == {"Ref": "Bus"} for rule in rules)


def test_every_rule_and_schedule_retries_and_ends_in_dead_letters_and_so_does_its_function(resources):
    rules = events_of(resources, "CloudWatchEvent") + events_of(resources, "Schedule")
    assert len(rules) == 11
    dead = {"Fn::GetAtt": ["EventsDead", "Arn"]}
    for function, rule in rules:
        assert rule["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert rule["DeadLetterConfig"] == {"Arn": dead}
        assert function["DeadLetterQueue"]["TargetArn"] == dead


def test_the_bucket_is_private_encrypted_and_forgets_bodies_of_callbacks(resources):
    [bucket] = of_type(resources, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert {rule["Id"] for rule in bucket["LifecycleConfiguration"]["Rules"]} == {
        "bundles",
        "callbacks",
        "imports",
        "letters",
        "screenshots",
        "unfinished-uploads",
        "uploads",
        "voices",
    }


def test_every_function_has_a_policy_file_of_its_own_in_each_stage(resources):
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    functions = {"api_handler"} | {
        function["Handler"].removeprefix("app.")
        for name, function in of_type(resources, FUNCTION).items()
        if name != "APIHandler"
    }
    assert len({str(f["Role"]) for f in of_type(resources, FUNCTION).values()}) == len(functions)
    for stage in config["stages"].values():
        files = {name: given["iam_policy_file"] for name, given in stage["lambda_functions"].items()}
        assert files == {name: f"policy-{name}.json" for name in functions}
        assert all((ROOT / ".chalice" / file).exists() for file in files.values())


def test_every_function_keeps_its_logs_for_a_stated_time(resources):
    groups = {g["LogGroupName"]["Fn::Sub"] for g in of_type(resources, "AWS::Logs::LogGroup").values()}
    assert groups == {f"/aws/lambda/${{{name}}}" for name in of_type(resources, FUNCTION)}
    assert all("RetentionInDays" in g for g in of_type(resources, "AWS::Logs::LogGroup").values())


def test_every_function_has_an_alarm_on_errors(resources):
    assert watched(resources, "Errors") == sorted(of_type(resources, FUNCTION))


def test_every_dead_letter_queue_has_an_alarm_and_every_other_one_on_the_age_of_its_messages(resources):
    queues = of_type(resources, QUEUE)
    dead = sorted(name for name, queue in queues.items() if "RedrivePolicy" not in queue)
    assert watched(resources, "ApproximateNumberOfMessagesVisible") == dead
    assert watched(resources, "ApproximateAgeOfOldestMessage") == sorted(set(queues) - set(dead))


def test_throttles_and_stream_lag_have_an_alarm(resources):
    metrics = {alarm["MetricName"] for alarm in of_type(resources, ALARM).values()}
    assert {"Throttles", "IteratorAge"} <= metrics


@pytest.mark.parametrize("counted", ["ChannelStopped", "CampaignPaused", "FiguresKeyRefused"])
def test_what_a_platforms_word_has_halted_raises_an_alarm_at_once(resources, counted):
    [alarm] = [one for one in of_type(resources, ALARM).values() if one["MetricName"] == counted]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": SERVICE}]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("JanJan", "Sum", 0)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_only_ses_may_tell_of_emails_and_only_its_topic_may_write_to_the_queue_of_callbacks(resources):
    [topic] = of_type(resources, "AWS::SNS::TopicPolicy").values()
    [said] = topic["PolicyDocument"]["Statement"]
    assert said["Principal"] == {"Service": "ses.amazonaws.com"}
    assert said["Condition"]["StringEquals"].keys() == {"aws:SourceAccount", "aws:SourceArn"}
    policies = of_type(resources, "AWS::SQS::QueuePolicy").values()
    [allowed] = [
        statement
        for policy in policies
        if {"Ref": "CallbacksQueue"} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "EmailTopic"}}}


def test_the_topic_of_emails_ends_in_the_name_of_its_platform_and_its_letters_are_not_lost(resources):
    assert resources["EmailTopic"]["Properties"]["TopicName"]["Fn::Sub"].rpartition("-")[2] == ses.NAME
    subscription = resources["EmailSubscription"]["Properties"]
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": ["CallbacksDead", "Arn"]}}
    assert "RawMessageDelivery" not in subscription
    [destination] = of_type(resources, "AWS::SES::ConfigurationSetEventDestination").values()
    asked = {kind.lower() for kind in destination["EventDestination"]["MatchingEventTypes"]}
    known = {kind.lower().replace(" ", "") for kind in ses.READERS}
    assert known - asked == {"open", "click"}
    assert asked - known == set()


def test_every_event_of_ours_goes_to_the_queue_of_webhooks_and_only_its_rule_may_write_there(resources):
    [rule] = of_type(resources, "AWS::Events::Rule").values()
    assert rule["EventBusName"] == {"Ref": "Bus"}
    assert rule["EventPattern"] == {"source": [{"prefix": "janjan."}]}
    [target] = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["WebhooksQueue", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["WebhooksDead", "Arn"]}}
    [allowed] = resources["WebhooksQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    rule_arn = {"Fn::GetAtt": ["EventsToWebhooks", "Arn"]}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": rule_arn}}


def test_a_batch_of_webhooks_is_over_before_its_function_and_whoever_asks_has_ended_then(resources):
    timeout_s = of_type(resources, FUNCTION)["SendWebhooks"]["Timeout"]
    assert 4 * poster.WHOLE_S < timeout_s <= webhooks.CLAIMED_S


def test_every_alarm_tells_the_topic(resources):
    for alarm in of_type(resources, ALARM).values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_functions_get_every_setting_and_no_other(packaged):
    template = yaml.safe_load((packaged / "sam.yaml").read_text())
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    assert set(given) == {field.name.upper() for field in dataclasses.fields(Settings)}


def test_the_roles_of_the_contract_are_the_pools_groups(resources):
    groups = {g["GroupName"] for g in of_type(resources, "AWS::Cognito::UserPoolGroup").values()}
    assert groups == {"admin", "coordinator", "editor", "approver", "nodal_officer", "auditor"}


def test_nobody_may_give_areas_or_departments_to_themselves(resources):
    [client] = of_type(resources, "AWS::Cognito::UserPoolClient").values()
    assert not [name for name in client["WriteAttributes"] if name.startswith("custom:")]


def test_an_unknown_path_is_answered_alike_by_api_gateway_and_by_the_laptops_server(resources):
    answer = resources["RestAPI"]["Properties"]["GatewayResponses"]["MISSING_AUTHENTICATION_TOKEN"]
    assert answer["StatusCode"] == "404"
    assert json.loads(answer["ResponseTemplates"]["application/json"]) == NOT_FOUND
    headers = answer["ResponseParameters"]["Headers"]
    assert {name: value.strip("'") for name, value in headers.items()} == NOT_FOUND_HEADERS


def test_who_comes_too_often_for_the_gateway_gets_the_same_headers_and_when_to_come_again(resources):
    answers = resources["RestAPI"]["Properties"]["GatewayResponses"]
    unknown, often = (
        answers[n]["ResponseParameters"]["Headers"] for n in ("MISSING_AUTHENTICATION_TOKEN", "THROTTLED")
    )
    assert often == unknown | {"Retry-After": "'2'"}


def test_throttles_name_methods_that_exist(resources):
    api = resources["RestAPI"]["Properties"]
    for setting in api["MethodSettings"]:
        path = setting["ResourcePath"].removeprefix("/").replace("~1", "/")
        assert path == "*" or setting["HttpMethod"].lower() in api["DefinitionBody"]["paths"][path], path
