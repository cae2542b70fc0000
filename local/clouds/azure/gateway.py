"""The front door: every request passes here, is named, judged, faulted, served and written down."""

import traceback
import uuid
from dataclasses import replace

from local.clouds.answer import Answer, Dropped
from local.clouds.azure import services
from local.clouds.azure.arm.routes import ARM, Route, Routes
from local.clouds.azure.call import Call, parse
from local.clouds.azure.errors import Refused, invalid, unauthenticated, unmodelled
from local.clouds.azure.state import State, Struck
from local.clouds.journal import Journal

_AUDIENCES = {ARM: {ARM, "https://management.core.windows.net"}}
"""Further names of a service that tokens may be made out to."""


class Gateway:
    """The app that the front serves."""

    def __init__(self, state: State, journal: Journal) -> None:
        self._state = state
        self._journal = journal
        self._routes = Routes(services.routes())
        self.turn = state.turn
        """Held while a request is served: one at a time, so that conditions hold."""
        self.crashes: list[str] = []
        """Tracebacks of the emulator's own errors."""

    def __call__(
        self, method: str, target: str, headers: dict[str, str], body: bytes, sent: str = ""
    ) -> Answer:
        """Serves a request; `sent` is its target as the client wrote it, where that is another."""
        call = parse(method, target, headers, body)
        call.target = sent or target
        try:
            answer = self._serve(call)
            self._state.faults.after(call)
        except Dropped:
            self._journal.add(call, 0, "dropped")
            raise
        self._journal.add(call, answer.status, _code(answer))
        answer.headers += [
            ("x-ms-request-id", str(uuid.uuid4())),
            ("x-ms-correlation-request-id", str(uuid.uuid4())),
        ]
        if call.path.lower().startswith("/subscriptions/"):
            kind = "writes" if call.writes else "reads"
            answer.headers.append((f"x-ms-ratelimit-remaining-subscription-{kind}", "11999"))
        return answer

    def _serve(self, call: Call) -> Answer:
        try:
            route = self._named(call)
            struck = self._state.faults.before(call)
            if struck:
                return struck
            with self.turn:
                self._state.agenda.run(self._state.now)
                return self._work(route, call)
        except Refused as refused:
            return refused.answer()
        except Struck as struck_late:
            return struck_late.answer
        except Dropped:
            raise
        except Exception as error:
            self.crashes.append("".join(traceback.format_exception(error)))
            return Refused(500, "InternalServerError", f"The emulator broke: {error!r}").answer()

    def _named(self, call: Call) -> Route:
        found = self._routes.find(call.method, call.path)
        if found is None:
            raise unmodelled(f"{call.method} {call.path}")
        route, call.names = found
        action = route.called(call) if route.called else route.action.format(**call.names)
        service, _, call.action = action.removeprefix("Microsoft.").partition("/")
        call.service = service.lower()
        call.params = {**call.query, **call.names}
        if call.body and "json" in call.headers.get("content-type", ""):
            call.params |= _top(call)
        return replace(route, action=action)

    def _work(self, route: Route, call: Call) -> Answer:
        state = self._state
        if route.audience:
            call.principal = self.authenticate(call, route.audience)
        if route.versions:
            _check_version(route, call)
        if route.audience == ARM:
            self._known_subscription(call)
            scope = call.names.get("scope") or call.path
            state.judge.require(call.principal, route.action, scope)
        if not route.late:
            state.strike(call)
        return route.handle(state, call)

    def authenticate(self, call: Call, audience: str) -> str:
        """The object id of the bearer of a token made out to `audience`. Raises Refused."""
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            raise unauthenticated(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        token = self._state.directory.read(text.strip())
        if token is None:
            raise unauthenticated("InvalidAuthenticationToken", "The access token is invalid.")
        if self._state.now >= token.expires_at:
            raise unauthenticated("ExpiredAuthenticationToken", "The access token expiry is in the past.")
        if token.audience not in _AUDIENCES.get(audience, {audience}):
            raise unauthenticated(
                "InvalidAuthenticationTokenAudience",
                f"The access token is for '{token.audience}', not '{audience}'.",
            )
        return token.principal

    def _known_subscription(self, call: Call) -> None:
        wanted = call.path.lower().split("/")[2] if call.path.lower().startswith("/subscriptions/") else ""
        if wanted and wanted != services.SUBSCRIPTION_ID:
            raise Refused(404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found.")


def _top(call: Call) -> dict[str, object]:
    try:
        return call.document()
    except Refused:
        return {}


def _check_version(route: Route, call: Call) -> None:
    asked = call.query.get("api-version")
    if not asked:
        raise invalid(
            "The api-version query parameter (?api-version=) is required.", "MissingApiVersionParameter"
        )
    if "*" not in route.versions and asked not in route.versions:
        raise unmodelled(f"api-version {asked} of {route.action}")


def _code(answer: Answer) -> str:
    if answer.status < 400:
        return ""
    return next((value for name, value in answer.headers if name == "x-ms-error-code"), "")
