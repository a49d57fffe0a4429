"""Versions of the protocol: every elder one that the `mcp` package speaks, and the one without sessions."""

from unittest import mock

import mcp.types
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.wire import NEWEST, STATELESS, open_wire, stateless, text_of


@test
async def every_elder_version_of_the_protocol_is_spoken(place: Place) -> None:
    assert len(SUPPORTED_PROTOCOL_VERSIONS) >= 4, SUPPORTED_PROTOCOL_VERSIONS
    for version in SUPPORTED_PROTOCOL_VERSIONS:
        with mock.patch.object(mcp.types, "LATEST_PROTOCOL_VERSION", version):
            async with connect(place) as client:
                assert client.server.protocolVersion == version, client.server
                assert set(await client.tools()) == {"search", "execute"}
                assert await client.value("return 1 + 1") == 2


@test
async def an_unknown_version_is_answered_with_one_that_outboard_speaks(place: Place) -> None:
    async with open_wire(place) as wire:
        opened = await wire.initialize("1999-01-01")
        assert opened["protocolVersion"] in SUPPORTED_PROTOCOL_VERSIONS, opened
        assert await wire.execute("return 1 + 1") == "2"


@test
async def the_era_without_sessions_is_spoken_without_initialize(place: Place) -> None:
    place.use("everything")
    async with open_wire(place) as wire:
        found = await wire.result("server/discover", **stateless())
        assert STATELESS in found["supportedVersions"], found
        assert found["resultType"] == "complete" and "tools" in found["capabilities"], found
        assert "everything" in found["instructions"], found
        assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], found
        tools = (await wire.result("tools/list", **stateless()))["tools"]
        assert [tool["name"] for tool in tools] == ["search", "execute"], tools
        code = "return await everything.echo({ message: 'hello' })"
        called = await wire.result("tools/call", **stateless(name="execute", arguments={"code": code}))
        assert "Echo: hello" in text_of(called), called


@test
async def a_probe_for_the_newest_era_does_not_bind_the_client_to_it(place: Place) -> None:
    async with open_wire(place) as wire:
        await wire.result("server/discover", **stateless())
        opened = await wire.initialize(NEWEST)
        assert opened["protocolVersion"] == NEWEST, opened
        assert await wire.execute("return 1 + 1") == "2"


@test
async def a_stateless_request_for_an_unknown_version_names_the_versions_there_are(place: Place) -> None:
    async with open_wire(place) as wire:
        params = stateless()
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01"
        error = (await wire.ask("server/discover", **params))["error"]
        assert STATELESS in error["data"]["supported"], error
        assert await wire.result("server/discover", **stateless())
