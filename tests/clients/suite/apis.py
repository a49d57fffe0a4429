"""An HTTP API that another program has, from its own OpenAPI document: Kinto, with accounts, pages, files and errors."""

import asyncio
import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.waiting import until

KINTO = Path(os.environ["OUTBOARD_APIS_PYTHON"]).with_name("kinto")

SETTINGS = """
[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.default_bucket kinto_attachment
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = not-a-secret
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
kinto.attachment.base_path = {files}
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
"""

#: What the plugin for files takes and does not say in its document.
FILE = {"name": "attachment", "in": "formData", "type": "file", "required": True}


@asynccontextmanager
async def kinto(place: Place) -> AsyncIterator[str]:
    """A Kinto of this place; gives its address, once it answers. Its document stands in the place's data."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = place.root / "kinto.ini"
    settings.write_text(SETTINGS.format(files=place.root / "files", port=port))
    url = f"http://127.0.0.1:{port}/v1"
    with place.started({"command": str(KINTO), "args": ["start", "--ini", str(settings)]}):

        async def document() -> bytes | None:
            try:
                return await asyncio.to_thread(lambda: urllib.request.urlopen(f"{url}/__api__", timeout=5).read())
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                return None

        async def answers() -> bool:
            described = await document()
            if described is None:
                return False
            api = json.loads(described)
            path = "/buckets/{bucket_id}/collections/{collection_id}/records/{id}/attachment"
            api["paths"][path]["post"]["parameters"] = [FILE]
            (place.data / "kinto.json").write_text(json.dumps(api))
            return True

        await until("Kinto's document", answers, 45)
        yield url


TYPESCRIPT = """
    const at = { bucket_id: "shop", collection_id: "pets" };
    await kinto.update_bucket({ id: "shop", body: {} });
    await kinto.update_collection({ bucket_id: "shop", id: "pets", body: {} });
    const names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus"];
    await Promise.all(names.map((name, n) =>
        kinto.update_record({ ...at, id: `p${n}`, body: { data: { name, age: n } } })));
    const pages = [];
    for await (const page of tools.pages(kinto.get_records, { ...at, _limit: 3, _sort: ["age"] })) pages.push(page.data.map(pet => pet.name));
    const missing = await kinto.get_record({ ...at, id: "nobody" }).catch(e => [e.code, e.content[1].status, e.content[1].body.errno]);
    const taken = await kinto.update_record({ ...at, id: "p0", body: {}, "If-None-Match": "*" }).catch(e => e.content[1].status);
    const photo = { base64: btoa("not really a photo"), filename: "ada.txt", contentType: "text/plain" };
    const file = await kinto.create_attachment({ ...at, id: "p0", body: { attachment: photo } });
    const { data } = await kinto.get_record({ ...at, id: "p0" });
    return { pages, missing, taken, size: file.size, kept: [data.attachment.filename, data.attachment.size] };
"""

PYTHON = """
import asyncio, base64

at = {"bucket_id": "shop", "collection_id": "pets"}
await kinto.update_bucket(id="shop", body={})
await kinto.update_collection(bucket_id="shop", id="pets", body={})
names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus"]
await asyncio.gather(*(
    kinto.update_record(**at, id=f"p{n}", body={"data": {"name": name, "age": n}}) for n, name in enumerate(names)
))
pages = [[pet["name"] for pet in page["data"]] async for page in tools.pages(kinto.get_records, **at, _limit=3, _sort=["age"])]
try:
    await kinto.get_record(**at, id="nobody")
except ToolError as error:
    missing = [error.code, error.content[1]["status"], error.content[1]["body"]["errno"]]
try:
    await kinto.update_record({**at, "id": "p0", "body": {}, "If-None-Match": "*"})
except ToolError as error:
    taken = error.content[1]["status"]
photo = {"base64": base64.b64encode(b"not really a photo").decode(), "filename": "ada.txt", "contentType": "text/plain"}
file = await kinto.create_attachment(**at, id="p0", body={"attachment": photo})
pet = (await kinto.get_record(**at, id="p0"))["data"]
{"pages": pages, "missing": missing, "taken": taken, "size": file["size"],
 "kept": [pet["attachment"]["filename"], pet["attachment"]["size"]]}
"""

EXPECTED = {
    "pages": [["Ada", "Bo", "Cy"], ["Di", "Ed", "Flo"], ["Gus"]],
    "missing": ["tool_error", 404, 110],
    "taken": 412,
    "size": 18,
    "kept": ["ada.txt", 18],
}


@test
async def the_api_of_another_program_is_driven_from_its_own_document(place: Place) -> None:
    async with kinto(place) as url:
        added = place.run(
            *("add", "kinto", "--openapi", str(place.data / "kinto.json"), "--base-url", url),
            *("--auth", "basicauth=${KINTO_USER}:${KINTO_PASSWORD}"),
        )
        assert added.returncode == 0, added.stderr
        # Of a user who wants to be asked nothing.
        file = place.config / "outboard.json"
        configured = json.loads(file.read_text())
        configured["policy"] = {"otherwise": "allow"}
        configured["mcpServers"]["kinto"]["trust"] = True
        file.write_text(json.dumps(configured))
        async with connect(place, KINTO_USER="ada", KINTO_PASSWORD="s3cret-s3cret") as client:
            await client.listed("kinto")
            assert "kinto.get_records(" in (await client.search("get records of a collection")).text
            assert await client.value(TYPESCRIPT) == EXPECTED
        async with connect(place, KINTO_USER="bob", KINTO_PASSWORD="another-one") as client:
            await client.listed("kinto")
            refused = await client.failure("return await kinto.get_record({ bucket_id: 'shop', collection_id: 'pets', id: 'p1' })")
            assert "HTTP 403" in refused, refused


@test
async def the_api_of_another_program_is_driven_from_python(place: Place) -> None:
    async with kinto(place) as url:
        auth = {"basicauth": "ada:s3cret-s3cret"}
        entry = {"openapi": str(place.data / "kinto.json"), "baseUrl": url, "auth": auth, "trust": True}
        configuration = {"mcpServers": {"kinto": entry}, "policy": {"otherwise": "allow"}}
        (place.config / "outboard.json").write_text(json.dumps(configuration))
        async with connect(place) as client:
            await client.listed("kinto")
            assert await client.value(PYTHON, language="python") == EXPECTED
