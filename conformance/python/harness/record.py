"""Notes which operations a client performed and how they ended, for docs/operations.md."""

import json
import os
from collections import defaultdict
from pathlib import Path

_outcomes = defaultdict(lambda: defaultdict(set))


def note(client, operation, outcome):
    """`outcome` is `ok` or the type of a modelled error."""
    _outcomes[client][operation].add(outcome)


def watch(client_name, client):
    """Notes every call of a boto3 client."""
    modelled = {shape.name for shape in client.meta.service_model.error_shapes}

    def after_call(http_response, parsed, model, **_):
        code = parsed.get("Error", {}).get("Code") if http_response.status_code >= 300 else "ok"
        if code == "ok" or code in modelled:
            note(client_name, model.name, code)

    client.meta.events.register("after-call.kinesis", after_call)
    return client


def save():
    """Adds what was noted to the files of earlier runs of the same suite."""
    folder = os.environ.get("ANABRANCH_RECORDED")
    if not folder:
        return
    for client, operations in _outcomes.items():
        path = Path(folder) / f"{client}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        for operation, outcomes in operations.items():
            known[operation] = sorted(outcomes | set(known.get(operation, [])))
        path.write_text(json.dumps(known, indent=1, sort_keys=True))
