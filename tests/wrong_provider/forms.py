"""The form of a request: one value for each name, of bounded size."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from tests.wrong_provider.errors import Refusal, invalid_request
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.provider import Provider

__all__ = ["read_form"]

LARGEST = 100_000
FORM = "application/x-www-form-urlencoded"


async def read_form(provider: Provider, request: Request) -> dict[str, str]:
    """The parameters of a POST, refused where they are not what RFC 6749 section 3.2 asks for."""
    if request.method != "POST":
        return _of_get(provider, request)
    body = await request.body()
    if not body and provider.has(Fault.ANSWERS_500_TO_EMPTY_BODIES):
        raise Refusal(500, "server_error", "Nothing.")
    if len(body) > LARGEST:
        if provider.has(Fault.ANSWERS_500_TO_LARGE_BODIES):
            raise Refusal(500, "server_error", "Too much.")
        raise Refusal(413, "invalid_request", "The body is too large.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" and provider.has(Fault.ACCEPTS_JSON):
        return {name: str(value) for name, value in (await request.json()).items()}
    if kind != FORM:
        if provider.has(Fault.ACCEPTS_JSON):
            return _parse(provider, body)
        raise invalid_request("The body must be a form.")
    return _parse(provider, body)


def _of_get(provider: Provider, request: Request) -> dict[str, str]:
    if provider.has(Fault.ACCEPTS_GET):
        return dict(request.query_params)
    raise Refusal(405, "invalid_request", "The method must be POST.")


def _parse(provider: Provider, body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise invalid_request("The body is not UTF-8.") from None
    form = dict(pairs)
    if len(form) != len(pairs) and not provider.has(Fault.ACCEPTS_REPEATED_PARAMETERS):
        raise invalid_request("A parameter is repeated.")
    return {name: value for name, value in form.items() if value}
