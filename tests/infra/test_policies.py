"""Least privilege, both ways.

What each function was seen to call is in its policy; what is in its policy was seen or has its reason here.
What a run shows only by chance, under load or after a fault is walked by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from chalicelib.clock import Clock
from chalicelib.dispatch.model import Bounds, Claim, Page, Week
from chalicelib.dispatch.pace import Limit, Wait
from chalicelib.dispatch.paces import Paces
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ops import Idempotency
from local.acting import Caller, Staff, wait_for
from local.config import WHATSAPP
from local.demo import Demo, Settings
from local.engine import ROOT
from local.laptop import Laptop, laptop
from local.programme import brief
from local.users import PASSWORD
from tests.conftest import restore_environment, use_environment
from tests.influencers import world as influencers
from tests.metrics.test_measuring import PNG, post_form

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"]), pytest.mark.slow]
Grant = tuple[str, str]
"""(action, resource of the template)"""

FUNCTIONS = sorted(path.stem.removeprefix("policy-") for path in (ROOT / ".chalice").glob("policy-*.json"))
PEOPLE = 12
TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
SERVICES = {
    "cognito-idp": "cognito-idp",
    "dynamodb": "dynamodb",
    "events": "events",
    "s3": "s3",
    "sqs": "sqs",
}
SERVICES["secretsmanager"] = "secretsmanager"
ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage", "s3:CopyObject": "s3:PutObject"}
BY_TOKEN = {"cognito-idp:AssociateSoftwareToken", "cognito-idp:VerifySoftwareToken"}
"""Allowed by the person's own access token, not by the function's role."""

BY_LAMBDA = "Lambda itself does this in the function's name"
SECOND_FACTOR = "the laptop's staff have no second factor; tests/identity drives it"
READ_AGAIN = (
    "after a lost answer or a repeated message the claim is read again: tests/e2e kills processes for that"
)
GIVEN_UP = "a second attempt that is not made after all: tests/dispatch/test_decisions.py"
CALLED_OFF = "who had a claim and no result when a run was called off: tests/dispatch/test_corrections.py"
BLOCKED = "the platform says that the person blocked us: counted among the refusals by chance only"
PARKED = "a chunk that waits longer than a queue can is parked, for quiet hours: tests/dispatch"
LEFT = "its person leaves in the moment of a hand-in: tests/metrics"
REGISTERED = "what is registered for SMS is read before one goes out: tests/e2e/test_sms_and_email.py"
PASSED_ON = "a post passes on to whose account published it, and is for what reached them: tests/metrics"
SHOWN = "no account is shown to be anybody's on this laptop: tests/metrics/test_whose.py"
OFFICIAL = "a department's account is proven, or its post measured: tests/departments, tests/metrics"
HALTED = "a platform's word stops a channel or pauses a campaign: tests/dispatch/test_channels.py"
MEASURED = "nothing is due on this laptop: tests/metrics"
MEASURES = ("OpsTable", "PeopleTable", "PostsTable")
FEW_VOTED = "an audience by turnout: tests/turnout"
FOLLOWED = "whose account is followed leaves: tests/e2e/test_followed.py"
IMPORTED = "no file of this kind is imported on this laptop: tests/imports and the kind's own"
IMPORTING = (
    ("sqs:SendMessage", "ImportsQueue"),
    *((f"dynamodb:{one}", "DirectoryTable") for one in ("GetItem", "Query")),
    *((f"dynamodb:{one}", "TurnoutTable") for one in ("BatchGetItem", "BatchWriteItem", "GetItem")),
    *((f"dynamodb:{one}", "TurnoutTable") for one in ("DeleteItem", "PutItem", "Query", "UpdateItem")),
    *((f"dynamodb:{one}", "GroupsTable") for one in ("BatchGetItem", "DeleteItem", "PutItem")),
    *((f"dynamodb:{one}", "CoverageTable") for one in ("DeleteItem", "PutItem")),
    *((f"dynamodb:{one}", "DepartmentsTable") for one in ("BatchGetItem", "BatchWriteItem")),
    *((f"dynamodb:{one}", "DepartmentsTable") for one in ("GetItem", "PutItem")),
    *((f"dynamodb:{one}", "PeopleTable") for one in ("BatchGetItem", "ConditionCheckItem", "PutItem")),
    ("secretsmanager:GetSecretValue", "PlatformSecret"),
    *((f"dynamodb:{one}", "DirectoryTable") for one in ("DeleteItem", "PutItem")),
    *((f"dynamodb:{one}", "RosterTable") for one in ("DeleteItem", "PutItem")),
    ("dynamodb:GetItem", "GroupsTable"),
    ("dynamodb:GetItem", "PeopleTable"),
    ("dynamodb:UpdateItem", "PeopleTable"),
    ("dynamodb:Query", "DirectoryTable/by_parent"),
    ("dynamodb:Query", "GroupsTable/by_place"),
    *((f"dynamodb:{one}", "AmbassadorsTable") for one in ("GetItem", "PutItem")),
    ("dynamodb:Query", "AmbassadorsTable/by_place"),
    *((f"dynamodb:{one}", "PoliciesTable") for one in ("GetItem", "PutItem")),
    ("dynamodb:Query", "PoliciesTable/by_place"),
    *((f"dynamodb:{one}", "VoicesTable") for one in ("DeleteItem", "GetItem", "PutItem")),
    ("dynamodb:Query", "VoicesTable/by_ground"),
    ("dynamodb:Query", "PeopleTable/by_status"),
)
AWAY = "a receiver of webhooks fails, rests, or wants nothing any more: tests/webhooks"
LEASED = "a hub confirmed a subscription: tests/callbacks"
GROUPED = "no group is on this laptop's register: tests/groups"
GROUPS = {
    f"dynamodb:{action} GroupsTable": GROUPED
    for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}
GROUPS |= {"dynamodb:Query GroupsTable/by_place": GROUPED, "dynamodb:BatchGetItem DirectoryTable": GROUPED}
GROUPS |= {
    f"dynamodb:{action} CoverageTable": GROUPED
    for action in ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query")
}
VOICED = "no voice comes in on this laptop: tests/voices, tests/e2e/test_voiced.py"
ERASED = {"s3:DeleteObject Bucket/voices/*": "who sent pictures is erased, or they are refused: tests/voices"}
INVITED = "nobody is invited on this laptop: tests/ambassadors/test_invitations.py"
APPOINTED = "nobody on this laptop is appointed: tests/ambassadors"
AMBASSADORS = {
    f"dynamodb:{action} AmbassadorsTable": APPOINTED for action in ("BatchGetItem", "GetItem", "PutItem")
} | {"dynamodb:Query AmbassadorsTable/by_place": APPOINTED}
SPOKEN = "nobody on this laptop has said anything yet: tests/voices"
VOICES = {
    f"dynamodb:{action} VoicesTable": SPOKEN
    for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
} | {f"dynamodb:Query VoicesTable/{index}": SPOKEN for index in ("by_desk", "by_ground")}
FORGOTTEN = "nobody on this laptop is erased, nor an invitation late: tests/influencers/test_erasing.py"
FORGETS = {
    "AmbassadorsTable": ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query"),
    "CampaignsTable": ("BatchGetItem",),
    "CoverageTable": ("DeleteItem", "PutItem"),
    "GroupsTable": ("BatchGetItem", "GetItem", "PutItem"),
    "GroupsTable/by_place": ("Query",),
    "LedgerTable": ("DeleteItem", "Query"),
    "PeopleTable": ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "PeopleTable/by_status": ("Query",),
}
JUDGED = "no policy is in force on this laptop, and nobody appeals: tests/policies"
POLICIES = {
    f"dynamodb:{action} PoliciesTable": JUDGED
    for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query")
}
POLICIES |= {"dynamodb:Query PoliciesTable/by_place": JUDGED}
HALTS = {
    "dynamodb:PutItem CampaignsTable": HALTED,
    "dynamodb:Query AuditTable": HALTED,
    "dynamodb:UpdateItem AuditTable": HALTED,
}
BY_SIGNATURE = "asked without boto3, of the sandbox: tests/platforms/test_ses.py"
EMAILS = {
    f"ses:SendEmail {resource}": BY_SIGNATURE
    for resource in ("identity/${EmailIdentity}", "configuration-set/janjan-${Stage}")
}
POLLING = {
    action: BY_LAMBDA for action in ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
}
STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
FAILURES = {"sqs:SendMessage EventsDead": BY_LAMBDA}
COUNTED = "nobody looks at the dead letters on this laptop: tests/dispatch/test_desk.py"
LETTERS = {
    f"sqs:{action} {queue}Dead": COUNTED
    for action in (
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
    )
    for queue in ("Callbacks", "Plan", "Send", "Service", "Imports", "Webhooks", "Events")
} | {"sqs:SendMessage WebhooksQueue": COUNTED}
UNSEEN: dict[str, dict[str, str]] = {
    "api_handler": EMAILS
    | LETTERS
    | GROUPS
    | AMBASSADORS
    | POLICIES
    | VOICES
    | {
        "s3:GetObject Bucket/voices/*": "whoever follows a link that was signed reads in its name",
        "s3:PutObject Bucket/voices/*": VOICED,
        "dynamodb:Query PeopleTable": "who asks for their data: tests/influencers/test_data_routes.py",
        "dynamodb:DeleteItem PostsTable": LEFT,
        "cognito-idp:AdminDeleteUser Pool": "undoes a new member of staff whose role could not be given",
        **{
            f"cognito-idp:{action} Pool": "nobody of the staff is changed: tests/identity"
            for action in (
                *("AdminDisableUser", "AdminEnableUser", "AdminRemoveUserFromGroup"),
                *("AdminUpdateUserAttributes", "AdminUserGlobalSignOut"),
            )
        },
        "cognito-idp:AdminRespondToAuthChallenge Pool": SECOND_FACTOR,
        "cognito-idp:AdminSetUserMFAPreference Pool": SECOND_FACTOR,
        "dynamodb:DeleteItem OpsTable": "frees the Idempotency-Key of a failed write; ends an enrolment",
        "dynamodb:GetItem OpsTable": "the answer to an Idempotency-Key that comes again; an enrolment",
        "s3:GetObject Bucket/site/*": "nobody looks at a page on this laptop: tests/pages/test_frame.py",
        "s3:GetObject Bucket/bundles/*": "whoever follows a link that was signed reads in its name",
        "s3:GetObject Bucket/screenshots/*": "whoever follows a link that was signed reads in its name",
        "dynamodb:BatchGetItem DirectoryTable": "names of booths whose turnout is listed: tests/turnout",
        "dynamodb:BatchGetItem PostsTable": "figures of posts that count: tests/metrics/test_impact.py",
        "s3:GetObject Bucket/letters/*": "whoever follows a link that was signed reads in its name",
        "s3:PutObject Bucket/letters/*": APPOINTED,
        "s3:PutObject Bucket/imports/*": "whoever posts a form that was signed writes in its name",
        "s3:GetObject Bucket/media/*": "whoever follows a link that was signed reads in its name",
        "s3:PutObject Bucket/media/*": "no campaign here has pictures: tests/pages/test_campaign_media.py",
        "s3:PutObject Bucket/uploads/*": "whoever posts a form that was signed writes in its name",
    },
    "forget_posts": FAILURES
    | ERASED
    | {
        f"dynamodb:{action} VoicesTable": SPOKEN
        for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem")
    }
    | {f"dynamodb:{action} AuditTable": SPOKEN for action in ("Query", "UpdateItem")}
    | {
        "dynamodb:DeleteItem PoliciesTable": JUDGED,
        **{
            f"dynamodb:{action} {table}": FORGOTTEN
            for table, actions in FORGETS.items()
            for action in actions
        },
        "secretsmanager:GetSecretValue PlatformSecret": "the pepper, where the platform has another id",
    },
    "fold_coverage": FAILURES
    | {"dynamodb:DeleteItem CoverageTable": "an area ends or moves: tests/groups/test_coverage.py"}
    | {
        f"{action} {table}.StreamArn": BY_LAMBDA
        for action in STREAM
        for table in ("CoverageTable", "DirectoryTable", "RosterTable")
    }
    | {"dynamodb:ListStreams *": "Lambda asks for it, and it takes no resource"},
    "keep_ambassadors": FAILURES
    | {f"dynamodb:{action} AmbassadorsTable": APPOINTED for action in ("BatchGetItem", "GetItem", "PutItem")}
    | {f"dynamodb:{action} PeopleTable": APPOINTED for action in ("ConditionCheckItem", "GetItem")}
    | {f"dynamodb:{action} AuditTable": APPOINTED for action in ("Query", "UpdateItem")}
    | {"dynamodb:GetItem DirectoryTable": APPOINTED}
    | {"secretsmanager:GetSecretValue PlatformSecret": "the pepper, where the platform has another id"},
    "launch_due": FAILURES
    | {"dynamodb:BatchWriteItem TalliesTable": PARKED, "sqs:SendMessage SendQueue": PARKED}
    | {f"dynamodb:{action} TalliesTable": HALTED for action in ("DeleteItem", "PutItem")}
    | {f"dynamodb:{action} AuditTable": HALTED for action in ("Query", "UpdateItem")}
    | {"events:PutEvents Bus": HALTED, "secretsmanager:GetSecretValue PlatformSecret": HALTED}
    | {"ses:GetAccount *": BY_SIGNATURE},
    "follow_accounts": FAILURES | {"dynamodb:DeleteItem PostsTable": FOLLOWED},
    "measure_due": FAILURES
    | {f"dynamodb:{action} {table}": MEASURED for action in ("GetItem", "PutItem") for table in MEASURES}
    | {"dynamodb:UpdateItem PeopleTable": MEASURED, "dynamodb:PutItem RosterTable": MEASURED}
    | {
        "dynamodb:UpdateItem PostsTable": MEASURED,
        "dynamodb:GetItem DepartmentsTable": OFFICIAL,
        "dynamodb:BatchGetItem PeopleTable": PASSED_ON,
        "dynamodb:Query LedgerTable": PASSED_ON,
        "dynamodb:BatchGetItem TalliesTable": PASSED_ON,
        "dynamodb:BatchGetItem CampaignsTable": PASSED_ON,
        "dynamodb:GetItem CampaignsTable": PASSED_ON,
    },
    "plan_run": {f"{action} PlanQueue": why for action, why in POLLING.items()}
    | {"dynamodb:GetItem DirectoryTable": "an area that no batch has brought just before"}
    | {"dynamodb:GetItem LedgerTable": CALLED_OFF, "dynamodb:Query TurnoutTable": FEW_VOTED},
    "process_callbacks": {f"{action} CallbacksQueue": why for action, why in POLLING.items()}
    | ERASED
    | {"dynamodb:GetItem LedgerTable": READ_AGAIN}
    | HALTS
    | {
        f"dynamodb:{action} VoicesTable": VOICED
        for action in ("BatchGetItem", "DeleteItem", "PutItem", "UpdateItem")
    }
    | {f"dynamodb:{action} DirectoryTable": VOICED for action in ("GetItem", "Query")}
    | {"sqs:SendMessage ServiceQueue": VOICED, "dynamodb:Query TalliesTable": VOICED}
    | {"dynamodb:Query CampaignsTable": REGISTERED}
    | {
        "dynamodb:GetItem CampaignsTable": HALTED,
        "dynamodb:DeleteItem PostsTable": LEFT,
        "dynamodb:Query PostsTable": LEFT,
        "dynamodb:GetItem DepartmentsTable": OFFICIAL,
        "dynamodb:PutItem DepartmentsTable": OFFICIAL,
        "dynamodb:GetItem PostsTable": LEASED,
        "dynamodb:PutItem PostsTable": LEASED,
        "dynamodb:PutItem TalliesTable": HALTED,
        "dynamodb:Query CampaignsTable/due": HALTED,
    },
    "weigh_posts": FAILURES
    | {"secretsmanager:GetSecretValue PlatformSecret": "the pepper, where the platform has another id"}
    | {f"dynamodb:{action} PostsTable": SHOWN for action in ("GetItem", "UpdateItem")}
    | {"dynamodb:Query PostsTable/by_person": SHOWN, "dynamodb:GetItem PeopleTable": SHOWN}
    | {
        "dynamodb:GetItem DepartmentsTable": SHOWN,
        "dynamodb:BatchGetItem PeopleTable": PASSED_ON,
        "dynamodb:Query LedgerTable": PASSED_ON,
        "dynamodb:BatchGetItem TalliesTable": PASSED_ON,
        "dynamodb:BatchGetItem CampaignsTable": PASSED_ON,
        "dynamodb:GetItem CampaignsTable": PASSED_ON,
    },
    "publish_events": FAILURES
    | {
        f"{action} {table}.StreamArn": BY_LAMBDA
        for action in STREAM
        for table in (
            "PeopleTable",
            "CampaignsTable",
            "PostsTable",
            "DepartmentsTable",
            "VoicesTable",
            "PoliciesTable",
        )
    }
    | {"dynamodb:ListStreams *": "Lambda asks for it, and it takes no resource"},
    "run_import": {f"{action} ImportsQueue": why for action, why in POLLING.items()}
    | {f"{action} {resource}": IMPORTED for action, resource in IMPORTING},
    "seal_audit": FAILURES,
    "send_chunk": {f"{action} SendQueue": why for action, why in POLLING.items()}
    | EMAILS
    | {"dynamodb:GetItem LedgerTable": READ_AGAIN}
    | {"dynamodb:ConditionCheckItem LedgerTable": GIVEN_UP}
    | HALTS
    | {"dynamodb:Query CampaignsTable": REGISTERED}
    | {f"dynamodb:{action} PeopleTable": BLOCKED for action in ("ConditionCheckItem", "GetItem", "PutItem")}
    | {"dynamodb:PutItem RosterTable": BLOCKED},
    "send_service": {f"{action} ServiceQueue": why for action, why in POLLING.items()}
    | EMAILS
    | {f"dynamodb:{action} VoicesTable": VOICED for action in ("GetItem", "PutItem")}
    | {f"dynamodb:{action} AuditTable": VOICED for action in ("Query", "UpdateItem")}
    | {"s3:PutObject Bucket/voices/*": VOICED}
    | ERASED
    | {"dynamodb:Query CampaignsTable": REGISTERED}
    | {"dynamodb:GetItem LedgerTable": READ_AGAIN}
    | {"sqs:SendMessage ServiceQueue": "a message waits while its channel is stopped: tests/influencers"}
    | {f"dynamodb:{action} AmbassadorsTable": INVITED for action in ("GetItem", "PutItem")}
    | {"dynamodb:BatchGetItem PeopleTable": INVITED, "dynamodb:Query DirectoryTable": INVITED},
    "send_webhooks": {f"{action} WebhooksQueue": why for action, why in POLLING.items()}
    | {
        "sqs:SendMessage WebhooksDead": AWAY,
        "dynamodb:PutItem OpsTable": AWAY,
        "dynamodb:DeleteItem OpsTable": AWAY,
        "dynamodb:Query AuditTable": AWAY,
        "dynamodb:UpdateItem AuditTable": AWAY,
    },
    "tend_voices": FAILURES
    | ERASED
    | EMAILS
    | {
        f"dynamodb:{action} VoicesTable": SPOKEN
        for action in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem")
    }
    | {f"dynamodb:{action} AuditTable": SPOKEN for action in ("Query", "UpdateItem")}
    | {f"dynamodb:{action} LedgerTable": SPOKEN for action in ("GetItem", "PutItem", "UpdateItem")}
    | {
        f"dynamodb:{action} {table}": SPOKEN
        for action, table in (
            ("Query", "TalliesTable"),
            ("Query", "CampaignsTable"),
            ("GetItem", "DepartmentsTable"),
            ("Query", "DirectoryTable"),
            ("BatchGetItem", "PeopleTable"),
            ("GetItem", "PeopleTable"),
        )
    }
    | {"cognito-idp:ListUsersInGroup Pool": SPOKEN, "secretsmanager:GetSecretValue PlatformSecret": SPOKEN},
    "welcome": FAILURES,
}


def resource_of(name: str) -> str:
    """`janjan-local-people` -> `PeopleTable`."""
    return name.removeprefix("janjan-local-").capitalize() + "Table"


def grants(call: dict[str, Any]) -> set[Grant]:
    """What one recorded call needs."""
    about, service, operation = call["resources"], call["service"], call["operation"]
    if "Transaction" in about:
        parts = [part.split() for part in about["Transaction"]]
        return {(f"dynamodb:{TRANSACTION[verb]}", resource_of(table)) for verb, table in parts}
    if "Batch" in about:
        return {(f"dynamodb:{operation}", resource_of(table)) for table in about["Batch"]}
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    return set() if action in BY_TOKEN else {(action, target(service, about))}


def target(service: str, about: dict[str, Any]) -> str:
    """The resource of a plain call."""
    if service == "dynamodb":
        table = resource_of(about["TableName"])
        return f"{table}/{about['IndexName']}" if "IndexName" in about else table
    if service == "sqs":
        return str(about["QueueUrl"].rpartition("janjan-local-")[2].capitalize() + "Queue")
    if service == "s3":
        return f"Bucket/{about['Key'].partition('/')[0]}/*"
    return {"secretsmanager": "PlatformSecret", "events": "Bus", "cognito-idp": "Pool"}[service]


def plain(resource: Any) -> str:
    """A policy's resource in the words of `grants`."""
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        name, attribute = resource["Fn::GetAtt"]
        return str(name if attribute == "Arn" else f"{name}.{attribute}")
    return (
        str(resource["Ref"])
        if "Ref" in resource
        else re.sub(r"^\$\{(\w+)\.Arn\}(/index)?|^arn:\S+\$\{AWS::AccountId\}:", r"\1", resource["Fn::Sub"])
    )


def allowed(function: str) -> set[Grant]:
    """What the policy of a function grants, without its own log streams."""
    policy = json.loads((ROOT / ".chalice" / f"policy-{function}.json").read_text())
    found: set[Grant] = set()
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            found |= {(action, plain(resource)) for action in statement["Action"]}
    return {grant for grant in found if not grant[0].startswith("logs:")}


def live(system: Laptop) -> None:
    """One of everything: signups to report, faults, STOP, staff, odd callbacks, the schedules."""
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    quiet = Progress(console=Console(file=io.StringIO()))
    faults = {"fail": 0.2, "lost_reply": 0.2, "throttle": 0.2}
    unrecorded = replace(system, env=system.env | {"RECORD_CALLS": ""})  # this process loads the directory
    Demo(unrecorded, Settings(PEOPLE, faults), quiet, api, sandbox).run()
    sandbox("POST", "/behaviour", dict.fromkeys(faults, 0))
    staff = Staff.signed_in(api, system.env)
    the_staffs_day(api, staff)
    received = sandbox("GET", "/messages")
    for platform in ("whatsapp", "telegram"):
        people = [message["to"] for message in received if message["platform"] == platform]
        for text in ("नमस्ते", "https://youtu.be/dQw4w9WgXcQ", "STOP", "START"):
            sandbox("POST", "/inbound", {"platform": platform, "from": people[0], "text": text, "name": "x"})
    post_signed(system, {"object": "whatsapp_business_account", "entry": [{"id": "1", "new": "x" * 800_000}]})
    later_run(system, staff)
    decided = decide_unknowns(api, sandbox, staff)
    prove(api, staff, decided)
    withdraw(staff, decided)
    import_areas(api, staff.tokens["admin"])
    tick(system, "FollowAccounts")
    tick(system, "SealAudit")
    tick(system, "MeasureDue")
    wait_for(lambda: not waiting(system), "the end of all queues")


def the_staffs_day(api: Caller, staff: Staff) -> None:
    """Signs in, looks at lists, adds to the staff, suspends a person."""
    admin = staff.tokens["admin"]
    api("POST", "/v1/session", {"username": "editor@sample.test", "password": PASSWORD})
    api("GET", "/v1/users", token=admin)
    new = {"email": "new@sample.test", "name": "New", "roles": ["auditor"]}
    api("POST", "/v1/users", new, token=admin)
    people = api("GET", "/v1/influencers?status=approved&area=IN", token=admin)["items"]
    api("GET", f"/v1/influencers/{people[0]['id']}", token=admin)
    suspension = {"decision": "suspend", "reason": "sample"}
    api("POST", f"/v1/influencers/{people[-1]['id']}/review", suspension, token=admin)
    api("POST", "/v1/audiences/preview", {"areas": ["IN"], "channels": ["whatsapp", "telegram"]}, token=admin)
    api("GET", f"/v1/audit?subject=influencer%23{people[0]['id']}", token=staff.tokens["auditor"])
    theme = {"id": "new", "names": {"hi": "नया", "en": "New"}}
    api("PUT", "/v1/stops/channel:telegram", {"reason": "sample"}, token=admin)
    api("DELETE", "/v1/stops/channel:telegram", token=admin)
    headers = {
        "Authorization": f"Bearer {admin}",
        "Content-Type": "application/json",
        "Idempotency-Key": "once",
    }
    ask(f"{api.base}/v1/themes", json.dumps(theme).encode(), headers, 201)
    [campaign] = api("GET", "/v1/campaigns", token=admin)["items"]
    api("GET", f"/v1/campaigns/{campaign['id']}/deliveries", token=admin)
    creator = people[-2]["id"]
    post = {"url": "https://x.com/sample/status/1", "influencer": creator, "campaign": campaign["id"]}
    handed_in = api("POST", "/v1/posts", post, token=admin)
    api("POST", "/v1/posts", post | {"url": "https://x.com/sample/status/2", "campaign": ""}, token=admin)
    decision = {"matched": True, "reason": "sample"}
    api("POST", f"/v1/posts/{handed_in['id']}/decision", decision, token=admin)
    declare_figures(api, admin, f"/v1/posts/{handed_in['id']}/figures")
    for wanted in ("", f"?campaign={campaign['id']}", f"?person={creator}"):
        api("GET", f"/v1/posts{wanted}", token=admin)
    api("POST", f"/v1/influencers/{creator}/withdrawal", {}, token=admin)
    where = f"/v1/posts/{handed_in['id']}"
    wait_for(lambda: api("GET", where, token=admin)["state"] == "withdrawn", "the end of a post")
    departments(api, admin)
    times = {"polling_ends": "2031-02-20T12:30:00Z", "code_from": "2031-02-01T00:00:00Z"}
    times["code_until"] = "2031-02-24T00:00:00Z"
    election = {"name": "Sample", "areas": ["IN"], "source": "x"} | times
    made = api("POST", "/v1/elections", election, token=admin)
    api("DELETE", f"/v1/elections/{made['id']}", token=admin)
    past = {"name": "Sample", "date": "2014-05-12", "kind": "lok_sabha"}
    api("PUT", "/v1/turnout/elections/ls-2014", past, token=admin)
    district = api("GET", "/v1/areas?parent=IN", token=admin)["items"][0]["id"]
    district = api("GET", f"/v1/areas?parent={district}", token=admin)["items"][0]["id"]
    api("PUT", f"/v1/turnout/goals/{district}", {"share": 0.6}, token=admin)
    api("GET", f"/v1/turnout?area={district}&election=ls-2014", token=admin)
    api("DELETE", f"/v1/turnout/goals/{district}", token=admin)


def departments(api: Caller, admin: str) -> None:
    """A directive, a scheme and a card, from the first word to the last."""
    told = {"title": "x", "text": "x", "issued_by": "x", "due_on": "2031-02-01", "departments": ["health"]}
    directive = api("POST", "/v1/directives", told, token=admin)["id"]
    api("POST", f"/v1/directives/{directive}/acknowledgement", {"department": "health"}, token=admin)
    api("GET", "/v1/directives", token=admin)
    texts = {"hi": {"name": "नमूना", "who": "x", "how": "x"}}
    scheme = api("POST", "/v1/schemes", {"department": "health", "texts": texts}, token=admin)["id"]
    api("GET", "/v1/schemes?department=health")
    card = {"department": "health", "scheme": scheme, "texts": {"hi": {"myth": "x", "answer": "x"}}}
    api("DELETE", f"/v1/cards/{api('POST', '/v1/cards', card, token=admin)['id']}", token=admin)


def import_areas(api: Caller, admin: str) -> None:
    """A state from a file, with a row that cannot be right."""
    data = "iso_3166_2,name_en,name_hi\nIN-XP,Sample,नमूना\nX,Sample,नमूना\n".encode()
    asked = {"kind": "areas", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    made = api("POST", "/v1/imports", asked, token=admin)
    assert post_form(made["upload"]["url"], made["upload"]["fields"], data) < 300
    where = f"/v1/imports/{made['id']}"
    api("POST", f"{where}/start", {}, token=admin)
    wait_for(lambda: api("GET", where, token=admin)["status"] == "finished", "the end of an import")
    [ended] = api("GET", "/v1/imports", token=admin)["items"]
    assert (ended["accepted"], ended["rejected"]) == (1, 1)
    assert ended["errors_url"]


def declare_figures(api: Caller, admin: str, figures: str) -> None:
    """Two words of one day about a post, each with a screenshot: the first one's is taken away."""
    for seconds in (2, 1):  # close together: of two days both would be kept
        place = api("POST", "/v1/uploads", {"content_type": "image/png"}, token=admin)
        assert post_form(place["upload"]["url"], place["upload"]["fields"], PNG) < 300
        at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        word = {"figures": {"views": 1}, "measured_at": at, "screenshot": place["key"]}
        api("POST", figures, word, token=admin)
    assert api("GET", figures, token=admin)["screenshot_url"]


def later_run(system: Laptop, staff: Staff) -> None:
    """A second campaign, due in two minutes, which the clock then skips."""
    editor, approver = staff.tokens["editor"], staff.tokens["approver"]
    campaign = staff.draft(brief("#later", ["IN"]))
    staff.api("POST", f"/v1/campaigns/{campaign}/submission", token=editor)
    staff.api(
        "POST", f"/v1/campaigns/{campaign}/approval", {"decision": "approve", "reason": "x"}, token=approver
    )
    at = datetime.now(UTC) + timedelta(minutes=2)
    staff.api("POST", f"/v1/campaigns/{campaign}/schedule", {"at": at.isoformat()}, token=editor)
    Caller(system.sandbox_url)("POST", "/clock", {"offset_s": 130})
    tick(system, "LaunchDue")
    tick(system, "TendVoices")
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the later run")
    listed = staff.api("GET", f"/v1/campaigns/{campaign}/deliveries", token=editor)["items"]
    key = next(delivery["key"] for delivery in listed if delivery["channel"] == "whatsapp")
    failed = {"id": "wamid.x", "status": "failed", "recipient_id": "911", "errors": [{"code": 131026}]}
    value = {"statuses": [failed | {"timestamp": "1800000000", "biz_opaque_callback_data": key}]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    post_signed(system, {"object": "whatsapp_business_account", "entry": [entry]})


def decide_unknowns(api: Caller, sandbox: Caller, staff: Staff) -> str:
    """A third campaign, of which every answer is lost: one delivery is sent again, one is closed."""
    admin = staff.tokens["admin"]
    sandbox("POST", "/behaviour", {"lost_reply": 1, "fail": 0})
    campaign = staff.launch(brief("#decided", ["IN"]))
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the run of lost answers")
    sandbox("POST", "/behaviour", {"lost_reply": 0})
    listed = api("GET", f"/v1/campaigns/{campaign}/deliveries?status=unknown", token=admin)["items"]
    unproven = [one for one in listed if one["channel"] == "telegram"]  # no receipt will lift these
    assert len(unproven) > 1
    for delivery, decision in zip(unproven, ("resend", "close"), strict=False):
        body = {"decision": decision, "reason": "sample"}
        api("POST", f"/v1/deliveries/{delivery['key']}/decision", body, token=admin)
    api("GET", f"/v1/campaigns/{campaign}/deliveries", token=admin)
    wait_for(lambda: staff.report(campaign)["in_progress"] == 0, "the resend")
    return campaign


def withdraw(staff: Staff, campaign: str) -> None:
    """Withdraws a campaign, and tells all who got it."""
    words = {"reason": "sample", "messages": {"telegram": {"hi": {"text": "वापस"}}}}
    staff.api("POST", f"/v1/campaigns/{campaign}/withdrawal", words, token=staff.tokens["editor"])
    decision, approver = {"decision": "approve"}, staff.tokens["approver"]
    staff.api("POST", f"/v1/campaigns/{campaign}/corrections/1/approval", decision, token=approver)
    staff.api("GET", f"/v1/campaigns/{campaign}/corrections", token=approver)

    def told() -> bool:
        [withdrawal] = staff.report(campaign)["corrections"]
        return withdrawal["status"] == "dispatched"

    wait_for(told, "the withdrawal")


def prove(api: Caller, staff: Staff, campaign: str) -> None:
    """The officer's report of a campaign is signed, its run's bundle made, fetched and checked."""
    admin = staff.tokens["admin"]
    api("POST", f"/v1/campaigns/{campaign}/officer-report/signature", {}, token=admin)
    bundles = f"/v1/campaigns/{campaign}/bundles"
    api("POST", bundles, {"run": f"{campaign}-1"}, token=admin)

    def made() -> dict[str, Any]:
        [bundle] = api("GET", bundles, token=admin)["items"]
        return dict(bundle)

    wait_for(lambda: made()["status"] == "done", "the bundle")
    bundle = made()
    with tempfile.TemporaryDirectory() as folder:
        for name, link in bundle["files"].items():
            with urllib.request.urlopen(link, timeout=60) as answer:
                Path(folder, name).write_bytes(answer.read())
        verify = [sys.executable, "-I", str(ROOT / "scripts" / "verify_bundle.py"), folder]
        checked = subprocess.run(
            [*verify, "--manifest", bundle["sha256"]], capture_output=True, text=True, check=False
        )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def post_signed(system: Laptop, payload: dict[str, Any]) -> None:
    body = json.dumps(payload).encode()
    signature = hmac.new(WHATSAPP.app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    ask(f"{system.url}/webhooks/whatsapp", body, headers, 200)


def ask(url: str, body: bytes, headers: dict[str, str], expected: int) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        assert answer.status == expected


def tick(system: Laptop, function: str) -> None:
    event = dict.fromkeys(
        ["account", "region", "source", "time", "id", "resources", "version", "detail"], "x"
    )
    functions = system.engine.client("lambda")
    names = [f["FunctionName"] for f in functions.list_functions()["Functions"]]
    [name] = [name for name in names if f"-{function}-" in name]
    answer = functions.invoke(
        FunctionName=name, Payload=json.dumps(event | {"detail-type": "Scheduled Event"})
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def waiting(system: Laptop) -> int:
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = system.engine.client("sqs")
    urls = [value for name, value in system.env.items() if name.endswith("_QUEUE_URL")]
    found = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"] for url in urls]
    return sum(int(attributes[name]) for attributes in found for name in wanted)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[Grant]]]:
    """What each function called."""
    before = dict(os.environ)
    with laptop(tmp_path_factory.mktemp("policies"), record_calls=True) as system:
        use_environment(system.env | {"RECORD_CALLS": ""})
        live(system)
        calls = [json.loads(line) for line in system.recorded_calls.read_text().splitlines()]
    restore_environment(before)
    found: dict[str, set[Grant]] = {name: set() for name in FUNCTIONS}
    for call in calls:
        found[handler_of(call["function"])] |= grants(call)
    yield found


def handler_of(function: str) -> str:
    """`janjan-local-PlanRun-3E3A5E4FABBF0` -> `plan_run`; the laptop's server is the API's function."""
    if function == "server":
        return "api_handler"
    name = function.removeprefix("janjan-local-").rpartition("-")[0]
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_that_a_function_calls_is_in_its_policy(function, seen):
    assert seen[function] - allowed(function) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_grants_nothing_that_was_not_seen_and_has_no_reason(function, seen):
    unexplained = {
        f"{action} {resource}"
        for action, resource in allowed(function) - seen[function]
        if f"{action} {resource}" not in UNSEEN[function]
    }
    assert unexplained == set()


def a_channel_without_a_free_slot() -> None:
    paces, now = Paces(), time.time()
    paces.lease("whatsapp-main", 25, Limit(1.0), now)
    assert isinstance(paces.lease("whatsapp-main", 25, Limit(1.0), now), Wait)


def a_person_whom_another_sender_has_claimed() -> None:
    first, second = (
        Claim("inf_1", "2026-45", "run", "00000000000", 0, 1, token, 10.0) for token in ("first", "second")
    )
    assert DispatchStore().claim(first, Bounds(0.0)) is None
    assert DispatchStore().claim(second, Bounds(0.0)) == Week(first, counted=1)
    DispatchStore().release(first)


def a_second_attempt_that_is_not_made() -> None:
    wanted = Claim("inf_1", "2026-45", "run", "0000000000000", 0, 2, "token", 10.0)
    DispatchStore().give_up(wanted, "expired", 1)


def a_service_message_that_comes_again() -> None:
    assert DispatchStore().claim_service("inf_1", "key", "first", 10.0) is None
    assert DispatchStore().claim_service("inf_1", "key", "second", 10.0) is not None
    DispatchStore().service_outcome("inf_1", "key", "first", "released", released=True)


def a_page_that_another_planner_has_frozen() -> None:
    pages = [Page("run", 0, 0, "D1", {"whatsapp hi": (person,)}, {}, None) for person in ("inf_1", "inf_2")]
    assert [DispatchStore().freeze(page) for page in pages] == [pages[0], pages[0]]
    assert DispatchStore().stale_chunks("run", 0) == []


def a_write_that_comes_again() -> None:
    once = Idempotency(Clock())
    assert once.begin("scope", b"") is None
    once.done("scope", b"", {})
    assert once.begin("scope", b"") == {}
    once.forget("scope")


SELDOM = [
    ("send_chunk", a_channel_without_a_free_slot),
    ("send_chunk", a_person_whom_another_sender_has_claimed),
    ("send_chunk", a_second_attempt_that_is_not_made),
    ("send_service", a_service_message_that_comes_again),
    ("process_callbacks", a_service_message_that_comes_again),
    ("plan_run", a_page_that_another_planner_has_frozen),
    ("api_handler", a_write_that_comes_again),
]


def called_by(act: Callable[[], object], recorded: Path) -> set[Grant]:
    """What `act` calls in this process."""
    use_environment({"RECORD_CALLS": str(recorded)})
    act()
    return set().union(*(grants(json.loads(line)) for line in recorded.read_text().splitlines()))


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(("function", "path"), SELDOM)
def test_what_happens_seldom_is_in_the_policy_too(function, path, tmp_path):
    called = called_by(path, tmp_path / "calls")
    assert called
    assert called - allowed(function) == set()


@pytest.mark.usefixtures("tables")
def test_a_sender_may_note_that_somebody_has_blocked_us(tmp_path):
    world = influencers.World()
    person = world.approved()

    def stop() -> object:
        return world.people.stop("whatsapp", person.phone, evidence="platform", at=world.clock.now())

    called = called_by(stop, tmp_path / "calls")
    assert ("dynamodb:PutItem", "RosterTable") in called
    assert called - allowed("send_chunk") == set()
