"""The description that operators are served is that of the service that serves it."""

from tests.wire.operator import DOCUMENT, Operators


async def test_every_operation_is_described_and_no_other(operators: Operators):
    """A new one needs its place in docs/operator-openapi.yaml, and its role."""
    app = operators.service.service.operator_app
    routed = {
        (each.method.lower(), each.path): each.role
        for each in app.app._app._app._router.operations  # type: ignore[union-attr]
    }
    described = {
        (method, path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert routed.keys() == described
    assert await operators.get("/openapi.json") == DOCUMENT
    writing = {key for key, role in routed.items() if role == "write"}
    others = {("post", "/operator/session"), ("delete", "/operator/session")}
    assert writing == {key for key in routed if key[0] != "get"} - others
