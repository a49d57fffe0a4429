"""Scripts that really use each upstream: the reference servers for files, memory, git and everything."""

import subprocess

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test


@test
async def files_are_written_listed_read_and_added_up(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        code = f"""
            const dir = "{place.data}";
            await Promise.all([1, 2, 3].map(n =>
                filesystem.write_file({{ path: `${{dir}}/part-${{n}}.csv`, content: `id,amount\\n${{n}},${{n * 10}}\\n` }})));
            const listing = await filesystem.list_directory({{ path: dir }});
            const names = listing.content.split("\\n").map(line => line.replace("[FILE] ", "")).sort();
            const texts = await Promise.all(names.map(name => filesystem.read_text_file({{ path: `${{dir}}/${{name}}` }})));
            const amounts = texts.map(({{ content }}) => Number(content.trim().split("\\n")[1].split(",")[1]));
            return {{ names, total: amounts.reduce((sum, amount) => sum + amount, 0) }};
        """
        expected = {"names": ["part-1.csv", "part-2.csv", "part-3.csv"], "total": 60}
        assert await client.value(code) == expected
        assert (place.data / "part-2.csv").read_text() == "id,amount\n2,20\n"


@test
async def entities_are_created_and_the_graph_is_read_back(place: Place) -> None:
    place.use("memory")
    async with connect(place) as client:
        code = """
            await memory.create_entities({ entities: [
                { name: "Ada", entityType: "person", observations: ["wrote the first program"] },
                { name: "Engine", entityType: "machine", observations: [] },
            ] });
            await memory.create_relations({ relations: [{ from: "Ada", to: "Engine", relationType: "programs" }] });
            const graph = await memory.read_graph();
            return { names: graph.entities.map(e => e.name), relations: graph.relations };
        """
        relation = {"from": "Ada", "to": "Engine", "relationType": "programs"}
        assert await client.value(code) == {"names": ["Ada", "Engine"], "relations": [relation]}


@test
async def a_commit_is_made_and_stands_in_the_log(place: Place) -> None:
    place.use("git", "filesystem")
    (place.repository / "notes.txt").write_text("hello\n")
    async with connect(place) as client:
        code = f"""
            const repo_path = "{place.repository}";
            const before = await git.git_status({{ repo_path }});
            await git.git_add({{ repo_path, files: ["notes.txt"] }});
            await git.git_commit({{ repo_path, message: "Add notes" }});
            const log = await git.git_log({{ repo_path, max_count: 1 }});
            return {{ untracked: before.includes("notes.txt"), logged: JSON.stringify(log).includes("Add notes") }};
        """
        assert await client.value(code) == {"untracked": True, "logged": True}
    log = ["git", "-C", str(place.repository), "log", "--format=%s"]
    assert subprocess.run(log, capture_output=True, text=True, check=True).stdout == "Add notes\n"


@test
async def four_upstreams_work_together_in_one_script(place: Place) -> None:
    place.use("everything", "filesystem", "memory", "git")
    async with connect(place) as client:
        code = f"""
            const sum = await everything.get_sum({{ a: 20, b: 22 }});
            await filesystem.write_file({{ path: "{place.data}/sum.txt", content: sum }});
            const {{ content }} = await filesystem.read_text_file({{ path: "{place.data}/sum.txt" }});
            await memory.create_entities({{ entities: [{{ name: "sum", entityType: "result", observations: [content] }}] }});
            const graph = await memory.open_nodes({{ names: ["sum"] }});
            const status = await git.git_status({{ repo_path: "{place.repository}" }});
            return [graph.entities[0].observations[0], status.includes("On branch main")];
        """
        assert await client.value(code) == ["The sum of 20 and 22 is 42.", True]


#: Scripts on server-everything, and what they must give.
EVERYTHING = (
    ("return await everything.echo({ message: 'grüß dich 👋' })", "Echo: grüß dich 👋"),
    ("return await everything['get-sum']({ a: 1.5, b: -2 })", "The sum of 1.5 and -2 is -0.5."),
    (
        "return await everything.get_structured_content({ location: 'Chicago' })",
        {"temperature": 36, "conditions": "Light rain / drizzle", "humidity": 82},
    ),
    (
        "return await everything.trigger_long_running_operation({ duration: 0.2, steps: 2 })",
        "Long running operation completed. Duration: 0.2 seconds, Steps: 2.",
    ),
    (
        "return (await everything.get_resource_links({ count: 2 })).filter(b => b.type === 'resource_link').map(b => b.uri)",
        ["demo://resource/dynamic/blob/1", "demo://resource/dynamic/text/2"],
    ),
    (
        "const [, block] = await everything.get_resource_reference({ resourceId: 2 });"
        "return [block.type, block.resource.uri, block.resource.text.slice(0, 11)]",
        ["resource", "demo://resource/dynamic/text/2", "Resource 2:"],
    ),
    (
        "return (await everything.get_annotated_message({ messageType: 'error', includeImage: true }))"
        ".map(block => [block.type, block.annotations.priority])",
        [["text", 1], ["image", 0.5]],
    ),
    # A tool that must be called as a task, which is another protocol: it fails alone, and says why.
    (
        "try { return await everything.simulate_research_query({ topic: 'x' }) }"
        " catch (e) { return [e.name, e.message.includes('task')] }",
        ["ToolError", True],
    ),
    # A server that sends log messages from now on disturbs nothing.
    (
        "await everything.toggle_simulated_logging(); return await everything.echo({ message: 'still here' })",
        "Echo: still here",
    ),
)


@test
async def every_kind_of_result_arrives_as_a_plain_value(place: Place) -> None:
    place.use("everything")
    async with connect(place) as client:
        with Cases() as cases:
            for code, expected in EVERYTHING:
                with cases.case(code):
                    given = await client.value(f"return [await (async () => {{ {code} }})()]")
                    assert given == [expected], given


@test
async def an_image_survives_the_way_through_a_script(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as client:
        code = "const blocks = await everything.get_tiny_image(); return blocks.find(block => block.type === 'image')"
        answer = await client.execute(code)
        assert [image.mimeType for image in answer.images] == ["image/png"], answer
        data = answer.images[0].data
        assert data.startswith("iVBORw0KGgo") and data not in answer.text, answer.text
        # The same bytes, handed on by the script to another upstream and read back.
        code = f"""
            const image = (await everything.get_tiny_image()).find(block => block.type === 'image');
            await filesystem.write_file({{ path: "{place.data}/image.txt", content: image.data }});
            const {{ content }} = await filesystem.read_text_file({{ path: "{place.data}/image.txt" }});
            return content === image.data;
        """
        assert await client.value(code) is True
        assert (place.data / "image.txt").read_text() == data


@test
async def an_upstream_gets_the_variables_of_its_entry_and_no_secret_of_another(place: Place) -> None:
    entry = place.entry("everything")
    place.write_config({"everything": {**entry, "env": {"MINE": "${GIVEN:-default}", "TOKEN": "${env:SECRET}"}}})
    async with connect(place, SECRET="s3cret", OTHER_API_KEY="hidden", GIVEN="given") as client:
        environment = await client.value("return await everything.get_env()")
        assert (environment["MINE"], environment["TOKEN"]) == ("given", "s3cret"), environment
        assert not {"SECRET", "OTHER_API_KEY", "OUTBOARD_STATE_DIR"} & set(environment), environment
