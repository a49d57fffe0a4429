"""Results that are too big: cut to the budget, still valid, said so, kept, and read back by the same session only."""

from harness.client import connect
from harness.place import Place
from harness.runner import test

ROWS = "const rows = Array.from({ length: 10000 }, (_, id) => ({ id, name: `row ${id}` })); "


@test
async def a_result_that_is_too_big_is_cut_and_kept_for_a_later_script(place: Place) -> None:
    async with connect(place) as client:
        answer = await client.execute(ROWS + "return { count: rows.length, rows }")
        shown = answer.value["rows"]
        assert answer.value["count"] == 10_000 and 0 < len(shown) < 10_000, answer.rest
        assert shown == [{"id": n, "name": f"row {n}"} for n in range(len(shown))]
        assert f"{len(shown):,} of 10,000" in answer.rest, answer.rest
        # One endless line is cut or hidden by some clients.
        assert max(map(len, answer.text.splitlines())) < 5_000
        code = f'const kept = await results.get("{answer.handle}"); return [kept.rows.length, kept.rows.at(-1)]'
        assert await client.value(code) == [10_000, {"id": 9_999, "name": "row 9999"}]


@test
async def the_budget_of_a_result_is_the_callers_to_choose(place: Place) -> None:
    async with connect(place) as client:
        lengths = [len((await client.execute(ROWS + "return rows", max_tokens=n)).text) for n in (200, 2_000, 20_000)]
        assert lengths[0] < 1_600 and lengths[0] * 5 < lengths[1] and lengths[1] * 5 < lengths[2], lengths


@test
async def a_kept_result_cannot_be_read_by_another_session(place: Place) -> None:
    async with connect(place) as first, connect(place) as second:
        handle = (await first.execute(ROWS + "return rows")).handle
        read = f'try {{ return await results.get("{handle}") }} catch (e) {{ return [e.code] }}'
        assert await second.value(read) == ["unknown_handle"]
        assert await first.value(f'return (await results.get("{handle}")).length') == 10_000


@test
async def a_script_that_prints_without_end_is_cut_and_its_value_stands(place: Place) -> None:
    async with connect(place) as client:
        code = "for (let i = 0; i < 200000; i++) console.log('line', i); return { done: true }"
        answer = await client.execute(code)
        assert answer.value == {"done": True}, answer.text[:500]
        assert "line 0" in answer.text and len(answer.text) < 60_000, len(answer.text)


@test
async def a_result_of_fifty_megabytes_comes_through_an_upstream(place: Place) -> None:
    place.use("filesystem")
    size = 50_000_000
    (place.data / "large.txt").write_text("0123456789" * (size // 10))
    async with connect(place) as client:
        code = f'const {{ content }} = await filesystem.read_text_file({{ path: "{place.data}/large.txt" }}); '
        assert await client.value(code + "return [content.length, content.slice(-3)]") == [size, "789"]
