"""A session of Daytona's own SDK with the service at the given address; prints what came of it as JSON."""

import json
import sys

from daytona import Daytona, DaytonaConfig

url, key = sys.argv[1:]
service = Daytona(DaytonaConfig(api_key=key, api_url=url, target="local"))
sandbox = service.create()
ran = sandbox.process.exec("echo hello; exit 3")
# The endpoints that Outboard uses, by the SDK's generated client.
files = sandbox.fs._api_client
files.upload_file("/home/agent/a.txt", b"text\n")
told = {
    "state": sandbox.state.value,
    "ran": [ran.exit_code, ran.result],
    "read": sandbox.process.exec("cat /home/agent/a.txt").result,
    "downloaded": bytes(files.download_file("/home/agent/a.txt")).decode(),
    "listed": [one.id for one in service.list()] == [sandbox.id],
}
service.delete(sandbox)
told["left"] = len(list(service.list()))
print(json.dumps(told))
