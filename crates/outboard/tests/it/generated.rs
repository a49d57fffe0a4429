//! Generated packages as programs use them: real interpreters, a real server, and a daemon that is started when it is needed.
//! What a test needs and the machine lacks makes it fail, as for the clients.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use outboard_testkit::{client::eventually, processes};
use serde_json::{Value, json};

use crate::{cli::Person, harness::fixture};

/// A person with packages in both languages, whose daemon is ended with them.
struct Programmer {
    person: Person,
}

impl Programmer {
    fn with(switches: &[&str], settings: Value) -> Self {
        let person = Person::with(switches);
        let mut configuration = settings;
        configuration["mcpServers"] = json!({ "fix": fixture(switches) });
        person.home.configure(&configuration);
        let programmer = Self { person };
        programmer.generate();
        programmer
    }

    fn generate(&self) {
        let folders = ["--python", "mcp_tools", "--typescript", "node_modules/mcp_tools"];
        self.person.says(&[&["generate"], &folders[..]].concat()).fine();
    }

    fn program(&self, program: &str, switch: &str, code: &str) -> Command {
        let mut command = self.person.home.command(program, &[switch, code]);
        command.stdin(Stdio::null()).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn python(&self, code: &str) -> Output {
        self.program("python3", "-c", code).output().unwrap()
    }

    fn node(&self, code: &str) -> Output {
        let mut command = self.person.home.command("node", &["--input-type=module", "-e", code]);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The folders of daemons.
    fn posts(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.person.home.state().join("daemon")).into_iter().flatten();
        folders.map(|entry| entry.unwrap().path()).collect()
    }

    fn daemons(&self) -> Vec<u32> {
        let locks = self.posts().into_iter().filter_map(|post| fs::read_to_string(post.join("lock")).ok());
        let processes = locks.filter_map(|text| text.trim().parse().ok());
        processes.filter(|process| processes::is_alive(*process)).collect()
    }
}

impl Drop for Programmer {
    fn drop(&mut self) {
        for daemon in self.daemons() {
            processes::signal(daemon, "TERM");
            eventually("the daemon ends", || !processes::is_alive(daemon));
        }
    }
}

fn fine(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

const SYNC: &str = "
from mcp_tools import ToolError
from mcp_tools.fix import add, count, effects, fail, echo
print(add(a=1, b=2), add({'a': 2}, b=2), echo(value='é\\u2028')['value'] == 'é\\u2028')
for call in (lambda: fail(message='no such thing'), lambda: add(a='x', b=1), lambda: count(note='never')):
    try: call()
    except ToolError as error: print(error.code, error.tool, len(error.content), str(error)[:24])
print(effects())
";

const ASYNC: &str = "
import asyncio
from mcp_tools.aio import ToolError, fix
async def main():
    print(await fix.add(a=1, b=2))
    values = await asyncio.gather(*(fix.echo(value=n) for n in range(1000)))
    print(sum(value['value'] for value in values))
    try: await fix.fail(message='no such thing')
    except ToolError as error: print(error.code, error.tool, len(error.content))
    waiting = asyncio.ensure_future(fix.silent())
    while not any('silent' in str(message) for message in (await fix.received())['messages']): pass
    waiting.cancel()
    while not any('cancelled' in str(message) for message in (await fix.received())['messages']): pass
    try: await waiting
    except asyncio.CancelledError: print('cancelled')
asyncio.run(main())
";

const NODE: &str = "
import * as fix from 'mcp_tools/fix';
import { ToolError, fix as again } from 'mcp_tools';
console.log(JSON.stringify([await fix.add({ a: 1, b: 2 }), again.add === fix.add]));
const values = await Promise.all(Array.from({ length: 1000 }, (_, n) => fix.echo({ value: n })));
console.log(values.reduce((sum, { value }) => sum + value, 0));
for (const call of [() => fix.fail({ message: 'no such thing' }), () => fix.add({ a: 'x' }), () => fix.count()]) {
  try { await call() } catch (error) {
    console.log(error instanceof ToolError, error.name, error.code, error.tool, error.content.length);
  }
}
";

#[test]
fn programs_call_tools_in_both_languages_through_the_gate() {
    let policy = json!({"otherwise": "allow", "rules": [{"tools": "fix.count", "verdict": "deny"}]});
    let programmer = Programmer::with(&[], json!({ "policy": policy }));
    assert_eq!(programmer.daemons(), [0; 0], "nobody needed one yet");
    assert_eq!(
        fine(&programmer.python(SYNC)),
        "{'sum': 3.0} {'sum': 4.0} True\n\
         tool_error fix.fail 1 no such thing\n\
         invalid_arguments fix.add 0 not sent: `a` must be a \n\
         denied fix.count 0 denied by policy: rule 1\n\
         {'effects': []}\n"
    );
    let daemons = programmer.daemons();
    assert_eq!(daemons.len(), 1);
    let post = programmer.posts().remove(0);
    assert_eq!(fs::metadata(&post).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fine(&programmer.python(ASYNC)), "{'sum': 3.0}\n499500\ntool_error fix.fail 1\ncancelled\n");
    assert_eq!(
        fine(&programmer.node(NODE)),
        "[{\"sum\":3},true]\n499500\ntrue ToolError tool_error fix.fail 1\ntrue ToolError invalid_arguments fix.add 0\n\
         true ToolError denied fix.count 0\n"
    );
    assert_eq!(programmer.daemons(), daemons, "all of them used the same");
    // They are runs of the journal like any others.
    let runs = programmer.person.says(&["runs", "--json"]).json();
    let runs = runs["runs"].as_array().unwrap();
    assert!(!runs.is_empty() && runs.iter().all(|run| run["command"] == "daemon, program"), "{runs:?}");
    // Who reads what they print is not known, so they claim nothing.
    let count = |stats: &Value, what: &str| stats["readersUnknown"][what].as_u64().unwrap();
    eventually("all of them are in the lists", || {
        let stats = programmer.person.says(&["stats", "--json"]).json();
        assert_eq!(stats["all"]["runs"], 0, "{stats:#}");
        count(&stats, "calls") >= 2_000 && count(&stats, "tokens") >= 2_000
    });
}

#[test]
fn many_programs_that_start_at_once_start_one_daemon_and_a_killed_one_is_replaced() {
    let programmer = Programmer::with(&[], json!({}));
    let code = "from mcp_tools.fix import add; print(add(a=1, b=2))";
    for _ in 0..2 {
        let programs: Vec<_> = (0..8)
            .map(|_| programmer.program("python3", "-c", code).stdout(Stdio::piped()).spawn().unwrap())
            .collect();
        for program in programs {
            assert_eq!(fine(&program.wait_with_output().unwrap()), "{'sum': 3.0}\n");
        }
        let daemons = programmer.daemons();
        assert_eq!(daemons.len(), 1);
        processes::signal(daemons[0], "KILL");
        eventually("it is dead", || !processes::is_alive(daemons[0]));
        assert!(programmer.posts()[0].join("socket").exists(), "its socket is left behind");
    }
}

#[test]
fn a_program_outlives_its_daemon_and_is_told_what_became_of_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let programmer = Programmer::with(&["--log", log.to_str().unwrap()], json!({}));
    let code = "
import os, signal, sys
from mcp_tools import ToolError
from mcp_tools.fix import add, silent
print(add(a=1, b=1), flush=True)
sys.stdin.readline()
print(add(a=1, b=2), flush=True)
try: silent()
except ToolError as error: print(error.code, error)
print(add(a=1, b=3))
";
    let mut program = programmer.program("python3", "-c", code);
    let mut program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Only when it has its answer: a call under way would be lost with the daemon.
    let mut output = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "{'sum': 2.0}\n");
    let first = programmer.daemons()[0];
    processes::signal(first, "KILL");
    eventually("it is dead", || !processes::is_alive(first));
    std::io::Write::write_all(program.stdin.as_mut().unwrap(), b"\n").unwrap();
    eventually("it waits", || fs::read_to_string(&log).is_ok_and(|log| log.contains("silent")));
    let second = programmer.daemons()[0];
    assert_ne!(first, second);
    processes::signal(second, "KILL");
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(program.wait().unwrap().success());
    assert_eq!(
        rest,
        "{'sum': 3.0}\ninterrupted Outboard ended during the call: check what it did before you make it \
         again\n{'sum': 4.0}\n"
    );
}

#[test]
fn a_call_that_asks_says_how_it_is_answered_and_waits() {
    let policy = json!({"otherwise": "allow", "rules": [{"tools": "fix.add", "verdict": "ask", "reason": "a test asks"}]});
    let programmer = Programmer::with(&[], json!({ "policy": policy }));
    let code = "from mcp_tools.fix import add; print(add(a=1, b=2))";
    let mut program = programmer.program("python3", "-c", code);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut question = Value::Null;
    eventually("it asks", || {
        let listed = programmer.person.says(&["approvals", "--json"]).json();
        question = listed["questions"][0].clone();
        !question.is_null()
    });
    let asks = question["questions"][0]["principal"].as_str().unwrap();
    assert!(asks.starts_with("a program with a generated package ("), "{question}");
    assert!(asks.contains(", process "), "{question}");
    // Whoever it is for hangs up: nothing is asked any more, and nothing was sent.
    processes::signal(program.id(), "INT");
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let id = question["id"].as_str().unwrap();
    assert!(said.contains(&format!("outboard: fix.add waits for a person: outboard approve {id}")), "{said}");
    eventually("it is taken back", || {
        programmer.person.says(&["approvals", "--json"]).json()["questions"] == json!([])
    });
}

#[test]
fn a_daemon_follows_the_configuration_and_ends_when_it_is_not_used() {
    let programmer = Programmer::with(&[], json!({}));
    let add = "from mcp_tools.fix import add; print(add(a=1, b=2))";
    fine(&programmer.python(add));
    programmer.person.home.configure(&json!({"mcpServers": {}}));
    eventually("the server is gone", || {
        let output = programmer.python(add);
        String::from_utf8_lossy(&output.stderr).contains("there is no namespace `fix`")
    });
    let daemon = programmer.daemons()[0];
    processes::signal(daemon, "TERM");
    eventually("it ends", || !processes::is_alive(daemon));
    let socket = programmer.posts()[0].join("socket");
    assert!(!socket.exists(), "one that ends in order takes its socket away");

    programmer.person.says(&["daemon", "--start", "--no-project", "--idle", "1"]).fine();
    let daemon = programmer.daemons()[0];
    eventually("nobody needs it", || !processes::is_alive(daemon));
    assert!(!socket.exists());
}

#[test]
fn a_daemon_that_cannot_start_says_why_to_the_program() {
    let programmer = Programmer::with(&[], json!({}));
    programmer.person.home.configure_exactly(&json!({"mcpServers": 3}));
    for (output, language) in [
        (programmer.python("from mcp_tools.fix import add; add(a=1, b=2)"), "python"),
        (programmer.node("import { add } from 'mcp_tools/fix'; await add({ a: 1, b: 2 })"), "node"),
    ] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains("not sent: Outboard cannot be reached:"),
            "{language}: {said}"
        );
        assert!(said.contains("mcpServers"), "{language}: {said}");
    }
}

/// A socket that answers `add` with a number of 5,000 digits, `fail` with what is no JSON, and all else with 7.
const ODD: &str = "
import asyncio, json, os, socket, struct, sys, threading
listener = socket.socket(socket.AF_UNIX)
listener.bind('odd')
listener.listen()
os.environ['OUTBOARD_SOCKET'] = 'odd'
def serve(connection):
    heard = connection.makefile('rb')
    while len(head := heard.read(4)) == 4:
        message = json.loads(heard.read(struct.unpack('>I', head)[0]))
        said = '{\"welcome\":{\"version\":1}}'
        if 'call' in message:
            value = {'add': '1' * 5000, 'fail': 'nope'}.get(message['call']['tool'], '7')
            said = '{\"value\":{\"id\":%d,\"value\":%s}}' % (message['call']['id'], value)
        connection.sendall(struct.pack('>I', len(said)) + said.encode())
def accept():
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
from mcp_tools import ToolError, fix
from mcp_tools.aio import fix as later
def told(outcome): return getattr(outcome, 'code', outcome)
def tried(function, **arguments):
    try: return function(**arguments)
    except ToolError as error: return error.code
large = 'x' * (32 << 20)
print(tried(fix.add), tried(fix.fail), tried(fix.echo, value=large), tried(fix.echo))
async def main():
    calls = [later.echo(), later.add(), later.fail(), later.echo(value=large), later.echo()]
    print(*map(told, await asyncio.gather(*calls, return_exceptions=True)), told(await later.echo()))
asyncio.run(main())
";

const ODD_NODE: &str = "
import { createServer } from 'node:net';
process.env.OUTBOARD_SOCKET = 'odd_node';
const server = createServer(connection => {
  let heard = Buffer.alloc(0);
  connection.on('data', chunk => {
    heard = Buffer.concat([heard, chunk]);
    while (heard.length >= 4 && heard.length >= 4 + heard.readUInt32BE(0)) {
      const end = 4 + heard.readUInt32BE(0);
      const { call } = JSON.parse(heard.toString('utf8', 4, end));
      heard = heard.subarray(end);
      const value = call && ({ fail: 'nope' }[call.tool] ?? '7');
      const said = call ? `{\"value\":{\"id\":${call.id},\"value\":${value}}}` : '{\"welcome\":{\"version\":1}}';
      const head = Buffer.alloc(4);
      head.writeUInt32BE(said.length, 0);
      connection.write(Buffer.concat([head, Buffer.from(said)]));
    }
  });
}).listen('odd_node');
await new Promise(listening => server.on('listening', listening));
const { fix } = await import('mcp_tools');
const calls = [fix.echo(), fix.fail(), fix.echo({ value: 'x'.repeat(32 << 20) }), fix.echo()];
console.log(...(await Promise.allSettled(calls)).map(({ value, reason }) => reason?.code ?? value), await fix.echo());
process.exit();
";

#[test]
fn what_cannot_be_sent_or_read_is_the_failure_of_its_own_call() {
    let programmer = Programmer::with(&[], json!({}));
    let expected = "inf upstream_error invalid_arguments 7\n7 inf upstream_error invalid_arguments 7 7\n";
    assert_eq!(fine(&programmer.python(ODD)), expected);
    assert_eq!(fine(&programmer.node(ODD_NODE)), "7 upstream_error invalid_arguments 7 7\n");
    assert_eq!(programmer.daemons(), [0; 0]);
}

#[test]
fn a_server_of_outboard_does_not_call_outboard() {
    let programmer = Programmer::with(&[], json!({}));
    let python = "from mcp_tools.fix import add; add(a=1, b=2)";
    let node = "import { add } from 'mcp_tools/fix'; await add({ a: 1, b: 2 })";
    // Also where somebody serves the socket already.
    fine(&programmer.python(python));
    for (program, switches) in
        [("python3", &["-c", python][..]), ("node", &["--input-type=module", "-e", node])]
    {
        let mut command = programmer.person.home.command(program, switches);
        let output = command.stdin(Stdio::null()).env("OUTBOARD_INSIDE", "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("was started by an Outboard"), "{program}: {said}");
    }
}

#[test]
fn what_other_commands_have_seen_guards_the_programs_too() {
    let mut secret = fixture(&[]);
    secret["labels"] = json!({"private": true, "external": false});
    let policy = json!({"otherwise": "allow", "rules": [{"tools": "fix.add", "when": "taint.private", "verdict": "deny"}]});
    let programmer = Programmer::with(&[], json!({}));
    programmer
        .person
        .home
        .configure(&json!({"policy": policy, "mcpServers": {"fix": fixture(&[]), "secret": secret}}));
    programmer.generate();
    let add = "from mcp_tools.fix import add; print(add(a=1, b=2))";
    fine(&programmer.python(add));
    programmer.person.says(&["call", "secret.echo", "{\"value\": 1}"]).fine();
    eventually("the daemon knows", || {
        String::from_utf8_lossy(&programmer.python(add).stderr).contains("denied by policy")
    });
}

#[test]
fn what_another_program_put_in_the_place_of_the_socket_is_not_used() {
    let programmer = Programmer::with(&[], json!({}));
    let add = "from mcp_tools.fix import add; print(add(a=1, b=2))";
    let place: Value = serde_json::from_str(
        &fs::read_to_string(programmer.person.home.project().join("mcp_tools/_outboard.json")).unwrap(),
    )
    .unwrap();
    let folder = PathBuf::from(place["socket"].as_str().unwrap()).parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let output = programmer.python(add);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("others can open"), "{said}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.join("socket"), "precious").unwrap();
    let output = programmer.python(add);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("something that is no socket has this name"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("socket")).unwrap(), "precious");
}

#[test]
fn a_project_that_nobody_accepted_is_in_no_package_and_an_accepted_one_has_its_own_daemon() {
    let programmer = Programmer::with(&[], json!({}));
    // Where a server's arguments lie is seen from the project, whoever starts it.
    let project = json!({"mcpServers": {"ours": fixture(&["--log", "calls.log"])}});
    programmer.person.file("outboard.json", &project.to_string());
    let modules = || {
        let said = programmer.person.says(&["generate", "--json", "--python", "mcp_tools"]);
        let said: Value = serde_json::from_str(&said.out).unwrap();
        let modules = said["packages"][0]["modules"].as_array().unwrap().clone();
        modules.iter().map(|module| module["module"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(modules(), ["fix"]);
    fine(&programmer.python("from mcp_tools.fix import add; add(a=1, b=2)"));
    let shown = programmer.person.says(&["trust", "--show"]);
    let hash =
        shown.out.split_whitespace().find(|word| word.len() == 64).unwrap_or_else(|| panic!("{shown:?}"));
    programmer.person.says(&["trust", "--accept", hash]);
    assert_eq!(modules(), ["fix", "ours"]);
    let log = programmer.person.home.project().join("calls.log");
    if log.exists() {
        fs::remove_file(&log).unwrap();
    }
    // What a person allowed of a project's server has to be said of it as well.
    let policy = "from mcp_tools import ours\nprint(ours.add(a=1, b=2))";
    assert_eq!(fine(&programmer.python(policy)), "{'sum': 3.0}\n");
    assert_eq!((programmer.daemons().len(), programmer.posts().len()), (2, 2));
    assert!(fs::read_to_string(&log).is_ok_and(|log| log.contains("\"add\"")), "the server runs elsewhere");
}

#[test]
fn a_person_sees_what_a_daemon_does_and_that_there_is_one() {
    let programmer = Programmer::with(&[], json!({}));
    let mut daemon = programmer.person.command(&["daemon"]);
    let daemon = daemon.stderr(Stdio::piped()).spawn().unwrap();
    eventually("it listens", || programmer.posts().iter().any(|post| post.join("socket").exists()));
    fine(&programmer.python("from mcp_tools.fix import add; add(a=1, b=2)"));
    programmer
        .person
        .says(&["daemon"])
        .check(1, &["a daemon serves this already", "hint: it ends by itself"]);
    processes::signal(daemon.id(), "INT");
    let said = String::from_utf8(daemon.wait_with_output().unwrap().stderr).unwrap();
    for part in ["serving 1 server of ", "ends with Ctrl-C", "called tool=\"fix.add\""] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("\"b\""), "arguments are nobody's to read: {said}");
}

#[test]
fn another_user_is_refused_even_if_the_folder_lets_them_in() {
    if !rustix::process::geteuid().is_root() {
        outboard_testkit::skip(
            "only root can become another user; outboard-socket tests the refusal by itself",
        );
        return;
    }
    let programmer = Programmer::with(&[], json!({}));
    fine(&programmer.python("from mcp_tools.fix import add; add(a=1, b=2)"));
    // A person who opens all of it by mistake.
    let socket = programmer.posts()[0].join("socket");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
    for folder in socket.ancestors().skip(1).take_while(|folder| *folder != std::env::temp_dir()) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let code = "
import os, sys
from mcp_tools.fix import add
os.environ['OUTBOARD_SOCKET'] = sys.argv[1]
os.setuid(65534)
add(a=1, b=2)
";
    let output = programmer.program("python3", "-c", code).arg(&socket).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Outboard refused the program: the socket belongs to another user"), "{said}");
}

#[test]
fn packages_are_made_from_a_saved_reply_without_a_server() {
    let person = Person::configured(&json!({}));
    let tools =
        json!([{"name": "get-it", "description": "Gets it. Really.", "inputSchema": {"type": "object"}}, 3]);
    for (name, reply) in [
        ("list.json", tools.clone()),
        ("result.json", json!({ "tools": tools })),
        ("whole.json", json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})),
    ] {
        let file = person.file(name, &reply.to_string());
        let file = file.to_str().unwrap();
        let stem = name.trim_end_matches(".json");
        let said = person.says(&["generate", "--catalog", file, "--server", "data-tools", "--python", stem]);
        said.check(0, &["tool number 2 of the list was dropped"]);
        let module = fs::read_to_string(person.home.project().join(stem).join("data_tools.py")).unwrap();
        assert!(module.contains("\"data_tools\", \"get-it\""), "{module}");
        let found = person.says(&["search", "--catalog", file, "get"]);
        assert!(found.out.contains(&format!("{stem}.get_it(")), "{found:?}");
        let described = person.says(&["describe", "--catalog", file, &format!("{stem}.get_it")]);
        assert!(described.out.contains("Gets it. Really."), "{described:?}");
    }
    let page = person.file("page.json", &json!({"tools": tools, "nextCursor": "2"}).to_string());
    person
        .says(&["search", "--catalog", page.to_str().unwrap(), "get"])
        .check(0, &["is one page of several"]);
    for (content, says) in
        [("{", "could not understand"), ("{\"tools\": 1}", "holds no reply to `tools/list`")]
    {
        let file = person.file("odd.json", content);
        for command in [&["search", "x"][..], &["describe", "x"], &["generate", "--python", "p"]] {
            let said = person.says(&[command, &["--catalog", file.to_str().unwrap()]].concat());
            said.check(2, &[says]);
        }
    }
    assert!(!person.home.project().join("p").exists());
}

#[test]
fn what_a_schema_says_and_a_declaration_cannot_is_told() {
    let person = Person::configured(&json!({}));
    let odd = json!({"properties": {"x": {"allOf": [{"type": "string"}, {"type": "number"}]}}});
    let tools = json!([{"name": "fine"}, {"name": "odd", "inputSchema": odd}]);
    let file = person.file("list.json", &tools.to_string());
    let file = file.to_str().unwrap();
    let said = "input/properties/x: parts of the schema exclude each other";
    let described = person.says(&["describe", "--catalog", file, "list.odd"]);
    described.check(0, &[&format!("warning: list.odd: {said}")]);
    let described = person.says(&["describe", "--catalog", file, "list.odd", "--json"]).json();
    assert!(described["warnings"][0].as_str().unwrap().starts_with(said), "{described}");
    let told = "1 tool with parts of schemas that are not declared as written; outboard describe list.odd";
    person.says(&["generate", "--catalog", file, "--python", "odd"]).check(0, &[told]);
}

#[test]
fn a_number_that_json_cannot_say_is_not_sent_and_nothing_else_is_refused() {
    let programmer = Programmer::with(&[], json!({}));
    let node = "import { add } from 'mcp_tools/fix';
        for (const a of [NaN, -Infinity, null])
            await add({ a, b: 2 }).catch((error) => console.log(error.code, error.message));";
    let output = programmer.node(node);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(lines[0].starts_with("invalid_arguments not sent: `a` is NaN"), "{said}");
    assert!(lines[1].starts_with("invalid_arguments not sent: `a` is -Infinity"), "{said}");
    assert!(!lines[2].contains("JSON cannot say"), "{said}");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let programmer = Programmer::with(&[], json!({}));
    let project = programmer.person.home.project();
    fs::create_dir(project.join("other")).unwrap();
    fs::write(project.join("other/notes.txt"), "precious").unwrap();
    let person = &programmer.person;
    person
        .says(&["generate", "--python", "other"])
        .check(2, &["it holds `notes.txt`", "hint: name a folder"]);
    person
        .says(&["generate", "--python", "my-tools"])
        .check(2, &["Python cannot import a package called `my-tools`"]);
    person.says(&["generate", "--typescript", "mcp_tools"]).check(2, &["holds a package in python"]);
    person.says(&["generate"]).check(2, &[]);
    fs::write(project.join("mcp_tools/fix.py"), "edited").unwrap();
    person
        .says(&["generate", "--python", "mcp_tools"])
        .check(2, &["fix.py: it was changed since it was written"]);
    assert_eq!(fs::read_to_string(project.join("mcp_tools/fix.py")).unwrap(), "edited");
}
