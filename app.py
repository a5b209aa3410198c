"""The front door: middleware, routes and event handlers are registered here, and nothing else.

Event handlers are re-exported by name: packaged as `app.<handler>`, they run behind the middleware of this
file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, ConvertToMiddleware, Response

from chalicelib import http, system, telemetry, wiring
from chalicelib.ambassadors import desk as ambassadors_desk
from chalicelib.ambassadors import routes as ambassadors_routes
from chalicelib.ambassadors.consumers import bp as ambassadors_bp
from chalicelib.ambassadors.consumers import keep_ambassadors
from chalicelib.callbacks import routes as callbacks_routes
from chalicelib.callbacks.consumers import bp as callbacks_bp
from chalicelib.callbacks.consumers import process_callbacks
from chalicelib.campaigns import approval as campaigns_approval
from chalicelib.campaigns import composer as campaigns_composer
from chalicelib.campaigns import correcting as campaigns_correcting
from chalicelib.campaigns import desk as campaigns_desk
from chalicelib.campaigns import routes as campaigns_routes
from chalicelib.campaigns import scheduling as campaigns_scheduling
from chalicelib.departments import desk as departments_desk
from chalicelib.departments import routes as departments_routes
from chalicelib.departments import scheme_desk
from chalicelib.directory import desk as directory_desk
from chalicelib.directory import routes as directory_routes
from chalicelib.dispatch import desk as dispatch_desk
from chalicelib.dispatch import routes as dispatch_routes
from chalicelib.dispatch.consumers import bp as dispatch_bp
from chalicelib.dispatch.consumers import launch_due, plan_run, send_chunk
from chalicelib.events.consumers import bp as events_bp
from chalicelib.events.consumers import publish_events
from chalicelib.groups import desk as groups_desk
from chalicelib.groups import routes as groups_routes
from chalicelib.groups.consumers import bp as groups_bp
from chalicelib.groups.consumers import fold_coverage
from chalicelib.identity import desk as identity_desk
from chalicelib.identity import routes as identity_routes
from chalicelib.identity.consumers import bp as identity_bp
from chalicelib.identity.consumers import seal_audit
from chalicelib.imports import desk as imports_desk
from chalicelib.imports import routes as imports_routes
from chalicelib.imports.consumers import bp as imports_bp
from chalicelib.imports.consumers import run_import
from chalicelib.influencers import desk as influencers_desk
from chalicelib.influencers import me as influencers_me
from chalicelib.influencers import mine as influencers_mine
from chalicelib.influencers import routes as influencers_routes
from chalicelib.influencers.consumers import bp as influencers_bp
from chalicelib.influencers.consumers import send_service, welcome
from chalicelib.metrics import desk as metrics_desk
from chalicelib.metrics import routes as metrics_routes
from chalicelib.metrics.consumers import bp as metrics_bp
from chalicelib.metrics.consumers import follow_accounts, forget_posts, measure_due, weigh_posts
from chalicelib.pages import home as pages_home
from chalicelib.pages import routes as pages_routes
from chalicelib.policies import desk as policies_desk
from chalicelib.policies import routes as policies_routes
from chalicelib.turnout import desk as turnout_desk
from chalicelib.turnout import routes as turnout_routes
from chalicelib.voices import desk as voices_desk
from chalicelib.voices import me as voices_me
from chalicelib.voices import routes as voices_routes
from chalicelib.voices.consumers import bp as voices_bp
from chalicelib.voices.consumers import tend_voices
from chalicelib.webhooks import desk as webhooks_desk
from chalicelib.webhooks import routes as webhooks_routes
from chalicelib.webhooks.consumers import bp as webhooks_bp
from chalicelib.webhooks.consumers import send_webhooks

app = Chalice(app_name=telemetry.SERVICE, configure_logs=False)
app.api.binary_types = ["application/octet-stream", "font/woff2", "image/png", "image/x-icon"]
app.register_middleware(ConvertToMiddleware(telemetry.logger.inject_lambda_context(clear_state=True)), "all")


@app.middleware("all")
def write_metrics(event: Any, get_response: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """Metrics leave with the invocation, also when it fails."""
    try:
        return get_response(event)
    finally:
        telemetry.flush()


@app.middleware("http")
def refusals_as_problems(event: Any, get_response: Callable[[Any], Response]) -> Response:  # noqa: ANN401
    """Chalice's own refusals never reach a view: they are rewritten here."""
    response = get_response(event)
    ours = str(response.headers.get("Content-Type", "")) != ""
    return response if ours or response.status_code < 400 else http.problem_for_refusal(response, "en")  # noqa: PLR2004


http.install(
    http.Doors(
        gate=wiring.gate,
        idempotency=wiring.idempotency,
        cursor_key=wiring.cursor_key,
        public_url=wiring.public_url,
    )
)

for feature in (
    system,
    ambassadors_desk,
    ambassadors_routes,
    callbacks_routes,
    directory_routes,
    directory_desk,
    departments_desk,
    scheme_desk,
    departments_routes,
    campaigns_routes,
    campaigns_desk,
    campaigns_composer,
    campaigns_approval,
    campaigns_scheduling,
    campaigns_correcting,
    dispatch_desk,
    dispatch_routes,
    groups_desk,
    groups_routes,
    identity_desk,
    identity_routes,
    imports_desk,
    imports_routes,
    influencers_desk,
    influencers_routes,
    influencers_me,
    influencers_mine,
    metrics_desk,
    metrics_routes,
    pages_home,
    pages_routes,
    policies_desk,
    policies_routes,
    turnout_desk,
    turnout_routes,
    voices_desk,
    voices_me,
    voices_routes,
    webhooks_desk,
    webhooks_routes,
):
    app.register_blueprint(feature.api.blueprint)
app.register_blueprint(http.folded())
for blueprint in (
    events_bp,
    ambassadors_bp,
    callbacks_bp,
    dispatch_bp,
    groups_bp,
    identity_bp,
    imports_bp,
    influencers_bp,
    metrics_bp,
    voices_bp,
    webhooks_bp,
):
    app.register_blueprint(blueprint)

__all__ = [
    "app",
    "fold_coverage",
    "follow_accounts",
    "forget_posts",
    "keep_ambassadors",
    "launch_due",
    "measure_due",
    "plan_run",
    "process_callbacks",
    "publish_events",
    "run_import",
    "seal_audit",
    "send_chunk",
    "send_service",
    "send_webhooks",
    "tend_voices",
    "weigh_posts",
    "welcome",
]
