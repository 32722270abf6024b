"""All operations, and their OpenAPI document."""

from functools import lru_cache
from typing import Any

from ninja import NinjaAPI, Router
from ninja.operation import Operation

from api.problem_responses import MEDIA_TYPE
from api.v1 import (
    audits,
    connection_tests,
    connections,
    consumers,
    errors,
    events,
    health,
    leaks,
    outbox,
    pipelines,
    register,
    release_changes,
    releases,
    repositories,
)
from api.v1.access import Access
from api.v1.bodies import JsonParser

BASE = "/api/v1/"
ROUTERS: tuple[Router, ...] = (
    connection_tests.router,
    connections.router,
    consumers.router,
    register.router,
    leaks.router,
    audits.router,
    events.router,
    repositories.router,
    pipelines.router,
    releases.router,
    release_changes.router,
    outbox.router,
    health.router,
)
_ABOUT = (
    "Connections to Azure DevOps with their health, audits and history, and what they lead to: repositories, "
    "pipelines, builds and releases; the register of other credentials, and leaked ones. Each request carries an API "
    "token, which people create under “Your account”. Errors follow RFC 9457 and have stable codes."
)
_SCHEME = "ApiToken"
_SCHEMES = {_SCHEME: {"type": "http", "scheme": "bearer", "description": "An API token, which begins with mfeo_."}}


class Api(NinjaAPI):
    """Names operations by their functions, in addresses and in the description."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name that generated clients use."""
        return str(operation.view_func.__name__)


api = Api(
    title="MFE Orchestrator: Code Repositories",
    version="1",
    description=_ABOUT,
    urls_namespace="v1",
    docs_url=None,
    openapi_url=None,
    parser=JsonParser(),
)
for router in ROUTERS:
    api.add_router("", router)
errors.register(api)


def access_of_operations() -> dict[str, Access]:
    """What each operation requires of a token, by operation id."""
    return {
        str(operation.view_func.__name__): access
        for router in ROUTERS
        for view in router.path_operations.values()
        for operation in view.operations
        for access in operation.auth_callbacks
        if isinstance(access, Access)
    }


def document(server: str = "/") -> dict[str, Any]:
    """The description of every operation. `server` is the address below which they are. Callers must not change it."""
    return _described() | {"servers": [{"url": server}]}


# It takes half a second.
@lru_cache(maxsize=1)
def _described() -> dict[str, Any]:
    described: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=BASE))
    described["components"]["securitySchemes"] = _SCHEMES
    _drop_unused_schemas(described)
    access = access_of_operations()
    for methods in described["paths"].values():
        for operation in methods.values():
            _finish(operation, access[operation["operationId"]])
    return described


def _drop_unused_schemas(described: dict[str, Any]) -> None:
    """Remove the schemas of query parameters, which the framework lists although nothing refers to them."""
    text = repr(described)
    schemas = described["components"]["schemas"]
    for name in [name for name in schemas if f"'#/components/schemas/{name}'" not in text]:
        del schemas[name]


def _finish(operation: dict[str, Any], access: Access) -> None:
    """Add what the framework does not know: the permissions, and the media type of problems."""
    operation["security"] = [{_SCHEME: []}]
    operation["x-permissions"] = access.permissions
    operation["x-all-connections"] = access.all_connections
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
