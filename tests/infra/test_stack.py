"""The deployed application answers, through API Gateway and through the laptop's server."""

import json
import urllib.request


def test_health_is_answered_by_the_laptops_server(stack):
    with urllib.request.urlopen(f"{stack.url}/healthz") as answer:
        assert json.load(answer) == {"status": "ok", "stage": "local"}


def test_health_is_answered_through_api_gateway(stack):
    api = stack.engine.client("apigateway").get_rest_apis()["items"][0]["id"]
    with urllib.request.urlopen(f"{stack.engine.url}/restapis/{api}/api/_user_request_/healthz") as answer:
        assert json.load(answer) == {"status": "ok", "stage": "local"}
