"""Check that a studio wants its token, and dreams: check_studio.py ADDRESS, as it printed it."""

import json
import sys
import urllib.error
import urllib.request
from typing import Any


def asked(url: str, token: str, order: dict[str, Any] | None = None) -> bytes:
    """Return what the studio answers; with an order, it is posted."""
    headers = {"authorization": f"Bearer {token}", "x-deepdream": "1", "content-type": "application/json"}
    content = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, content, headers)  # noqa: S310 - the studio that was just started
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return bytes(answer.read())


address, _, token = sys.argv[1].partition("?token=")
if not token:
    sys.exit("it gives no token")
try:
    asked(f"{address}api/studio", "another")
except urllib.error.HTTPError as error:
    if error.code != 401:
        raise
else:
    sys.exit("it takes any token")
sys.stdout.write(f"{json.loads(asked(f'{address}api/studio', token))['device']}\n")
picture = json.loads(asked(f"{address}api/pictures/sample", token, {}))
wanted = {"picture": picture["id"], "settings": {"max_size": 224, "iterations": 2}}
dream = json.loads(asked(f"{address}api/dreams", token, wanted))
asked(f"{address}api/dreams/{dream['id']}/events", token)  # until it is over
over = json.loads(asked(f"{address}api/dreams/{dream['id']}", token))
if over["status"] != "done":
    sys.exit(f"the dream is {over['status']}: {over['error']}")
result = asked(f"{address}api/dreams/{dream['id']}/result?format=jpg", token)
sys.stdout.write(f"dreamed in {over['ended'] - over['begun']:.1f} s: {len(result)} bytes\n")
