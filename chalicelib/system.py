"""What every deployment answers about itself: health and its own description."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from chalicelib.http import CREATOR, PUBLIC, ROUTES, Api, Problem, Request
from chalicelib.settings import settings
from chalicelib.shapes import View

api = Api("system")


class Health(View):
    status: str
    stage: str


@api.get("/healthz", allow=PUBLIC, answer=Health, summary="Is the service up")
def healthz(request: Request) -> Health:
    return Health(status="ok", stage=settings().stage)


@api.get("/openapi.json", allow=PUBLIC, summary="This description")
def openapi(request: Request) -> dict[str, Any]:
    return describe()


def describe() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all declared routes."""
    from pydantic.json_schema import models_json_schema

    wanted = {
        m
        for r in ROUTES
        for m in (r.body, r.query, r.answer)
        if isinstance(m, type) and issubclass(m, BaseModel)
    }
    models = sorted(wanted | {Problem}, key=lambda m: (m.__module__, m.__qualname__))
    refs, schemas = models_json_schema(
        [(m, "validation") for m in models], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "JanJan",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "staff": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "creator": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: Any, refs: dict[Any, Any]) -> dict[str, Any]:  # noqa: ANN401
    def schema(model: Any) -> dict[str, Any]:  # noqa: ANN401
        return dict(refs.get((model, "validation"), {}))

    content = {"json": "application/json", "page": "text/html", "raw": route.produces}[route.kind]
    problem = {"application/problem+json": {"schema": schema(Problem)}}
    done: dict[str, Any] = {"description": route.summary}
    if route.status != HTTPStatus.NO_CONTENT:
        done["content"] = {content: {"schema": schema(route.answer)}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "tags": [route.feature],
        "responses": {
            str(route.status): done,
            "4XX": {"description": "What is wrong, by field", "content": problem},
        },
        "parameters": _parameters(route),
    }
    if route.kind == "page":
        problem["text/html"] = {}
        operation["responses"]["3XX"] = {"description": "Another page is next"}
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema(route.body)}},
        }
    if route.allow != PUBLIC:
        operation["security"] = [{CREATOR if route.allow == CREATOR else "staff": []}]
        operation["x-janjan-action"] = route.allow
    return operation


def _parameters(route: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    found = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    if route.query is not None:
        fields = route.query.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, value in fields.get("properties", {}).items():
            found.append(
                {"name": name, "in": "query", "required": name in fields.get("required", []), "schema": value}
            )
    if route.kind == "json" and route.method != "GET":
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
        )
    return found
