"""Faults that sample organizations always have, in the order in which they are tried."""

from sandbox.fault_injection import Fault
from sandbox.http_messages import JSON
from sandbox.ids import stable_id

# One project of many, by id or by name.
PATCHY_PROJECT = "Service 007"
_FEATURELESS = rf"/({stable_id('patchy', PATCHY_PROJECT)}|{PATCHY_PROJECT})/_apis/git/repositories\Z"
_FEATURE_DISABLED = '{"message":"The feature is disabled.","typeKey":"FeatureDisabledException"}'
FAULTS: dict[str, tuple[Fault, ...]] = {
    "slow": (Fault("latency", seconds=3.0),),
    "stuck": (Fault("drip", seconds=0.5),),
    "busy": (Fault("near_limit", retry_after=5),),
    "overloaded": (Fault("throttled_refusal", retry_after=37),),
    "exhausted": (Fault("throttled_refusal", status=203, variant="remaining"),),
    "down": (Fault("status", status=500),),
    "maintenance": (Fault("maintenance", retry_after=300),),
    "servicing": (Fault("maintenance", variant="json", retry_after=60),),
    "signin": (Fault("sign_in_page"),),
    "signedout": (Fault("redirect", variant="sign_in_host"),),
    "gateway": (Fault("gateway"),),
    "filtered": (Fault("block_page"),),
    "redirected": (Fault("redirect"),),
    "renamed": (Fault("redirect", variant="renamed", status=301),),
    "unmaterialized": (Fault("not_materialized"),),
    "pipelines-only": (Fault("releases_off"),),
    "listless": (Fault("list_error", path=r"/_apis/projects\Z"),),
    "unlisted": (Fault("scope_missing", path=r"/_apis/projects\Z"),),
    "stateless": (Fault("omit_fields", path=r"/_apis/projects\Z", fields=("state",)),),
    "endless": (Fault("endless_list", path=r"/_apis/projects\Z"),),
    "doubled": (Fault("repeated_items"),),
    "patchy": (Fault("status", path=_FEATURELESS, status=400, body=_FEATURE_DISABLED, headers={"Content-Type": JSON}),),
    "deleted": (Fault("no_such_host"),),
}
