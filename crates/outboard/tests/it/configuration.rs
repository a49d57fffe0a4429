//! Configuration from the outside: trust, variables, mistakes, Outboard within Outboard.

use outboard_testkit::client::{Client, Home};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

fn tools(client: &mut Client) -> String {
    client.call("search", json!({"query": ""})).1
}

/// Runs a command to its end; gives exit code, stdout and stderr.
fn run(home: &Home, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = home.command(OUTBOARD, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_projects_file_does_nothing_until_it_is_accepted_as_it_is() {
    let home = Home::new();
    home.configure(&json!({}));
    let file = home.project().join(".mcp.json");
    let marker = home.project().join("started");
    let write = |name: &str| {
        let servers = json!({name: fixture(&["--log", marker.to_str().unwrap()])});
        std::fs::write(&file, json!({"mcpServers": servers}).to_string()).unwrap();
    };
    write("proj");
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert!(!tools(&mut client).contains("proj"));
    client.close();
    assert!(client.stderr().contains(".mcp.json has not been accepted"), "{}", client.stderr());
    assert!(!marker.exists(), "nothing of an untrusted project is started");

    let (code, _, stderr) = run(&home, &["trust"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("needs a person at a terminal"), "{stderr}");
    let (_, shown, _) = run(&home, &["trust", "--show"]);
    assert!(shown.contains("proj starts") && shown.contains("sha256 "), "{shown}");
    let hash = shown.lines().find_map(|line| line.trim().strip_prefix("sha256 ")).unwrap().to_owned();
    assert_eq!(run(&home, &["trust", "--accept", &"0".repeat(64)]).0, Some(1));
    assert_eq!(run(&home, &["trust", "--accept", &hash]).0, Some(0));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert_eq!(client.execute("(await proj.add({ a: 1, b: 1 })).sum"), "2");
    client.close();

    write("changed");
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert!(!tools(&mut client).contains("changed"));
    client.close();
    assert!(client.stderr().contains("has changed since it was accepted"), "{}", client.stderr());
}

#[test]
fn variables_are_expanded_and_an_unset_one_names_file_server_and_key() {
    let home = Home::new();
    let mut good = fixture(&[]);
    good["env"] = json!({"TOKEN": "${SECRET}", "MODE": "${MODE:-fast}", "AGAIN": "${env:SECRET}"});
    let mut bad = fixture(&[]);
    bad["env"] = json!({"TOKEN": "${NOT_SET}"});
    home.configure(&json!({"mcpServers": {"good": good, "bad": bad}}));
    let mut command = home.command(OUTBOARD, &["serve"]);
    command.env("SECRET", "s3cret").env("OTHER_SECRET", "hidden");
    let mut client = Client::connect(command);
    let seen: Value = serde_json::from_str(&client.execute("(await good.environment()).variables")).unwrap();
    assert_eq!(
        (&seen["TOKEN"], &seen["MODE"], &seen["AGAIN"]),
        (&json!("s3cret"), &json!("fast"), &json!("s3cret"))
    );
    assert_eq!((seen.get("SECRET"), seen.get("OTHER_SECRET")), (None, None), "{seen}");
    let text = client.failing("await bad.add({})");
    for part in ["outboard.json", "mcpServers.bad.env.TOKEN", "NOT_SET"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn mistakes_in_the_users_file_say_where_and_what() {
    for (content, says) in [
        ("{", "line 1 column 1"),
        ("[]", "must hold a JSON object"),
        ("{\"mcpServers\": []}", "`mcpServers` is a list; it must be an object"),
        (
            "{\n\"mcpServers\": {},\n\"mcpServers\": {}}",
            "`mcpServers` stands there more than once, in lines 2 and 3",
        ),
        ("{\"mcpServer\": {}}", "`mcpServer` is not a setting"),
        (
            "{\"resultTokens\": \"many\"}",
            "`resultTokens` is \"many\"; it must be a whole number from 100 to 200000",
        ),
        (
            "{\"limits\": {\"cpuSeconds\": -1}}",
            "line 1: `limits.cpuSeconds` is -1; it must be a number from 0.001 to 604800",
        ),
        (
            "{\"limits\": {\"wallSeconds\": 1e19}}",
            "`limits.wallSeconds` is 1e+19; it must be a number from 0.001 to 604800",
        ),
        ("{\"limits\": {\"cpu\": 1}}", "`limits.cpu` is not a setting\nhint: did you mean `cpuSeconds`?"),
        (
            "{\"limits\": {\"memoryMegabytes\": 0}}",
            "`limits.memoryMegabytes` is 0; it must be a whole number from 16",
        ),
        (
            "{\"limits\": {\"concurrentCalls\": 0}}",
            "`limits.concurrentCalls` is 0; it must be a whole number from 1",
        ),
        (
            "{\"runsAtOnce\": 18446744073709551615}",
            "`runsAtOnce` is 18446744073709551615; it must be a whole number from 1 to 1000",
        ),
    ] {
        let home = Home::new();
        home.configure(&Value::Null);
        let file = home.state().parent().unwrap().join("config/outboard.json");
        std::fs::write(&file, content).unwrap();
        let (code, stdout, stderr) = run(&home, &["serve"]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{content}: {stderr}");
        assert!(stderr.contains(says) && stderr.contains("outboard.json"), "{content}: {stderr}");
        assert!(stderr.contains("\nhint: "), "{content}: {stderr}");
    }
}

#[test]
fn one_wrong_entry_costs_itself() {
    let home = Home::new();
    let good = fixture(&[]);
    let text = format!(
        "{{ // comments and trailing commas may stand here\n\"policy\": {{\"otherwise\": \"allow\"}}, \"mcpServers\": {{\"good\": {good}, \"none\": {{}},\n\
         \"twice\": {good},\n\"twice\": {good},\n\
         \"both\": {{\"command\": \"x\", \"url\": \"http://x\"}}, \"typo\": {{\"comand\": \"x\"}},}},}}"
    );
    home.configure(&Value::Null);
    std::fs::write(home.state().parent().unwrap().join("config/outboard.json"), text).unwrap();
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert_eq!(client.execute("(await good.add({ a: 1, b: 1 })).sum"), "2");
    for (name, says) in [
        ("none", "neither `command` nor `url`"),
        ("both", "has both"),
        (
            "typo",
            "outboard.json: line 5: mcpServers.typo: `comand` is not known here; did you mean `command`?",
        ),
        ("twice", "`twice` stands there more than once, in lines 3 and 4"),
    ] {
        let text = client.failing(&format!("await {name}.x({{}})"));
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn outboard_does_not_start_itself() {
    let home = Home::new();
    let own = json!({"command": OUTBOARD, "args": ["serve"]});
    home.configure(&json!({"mcpServers": {"me": own, "good": fixture(&[])}}));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert_eq!(client.execute("(await good.add({ a: 1, b: 1 })).sum"), "2");
    assert!(!tools(&mut client).contains("me "), "{}", tools(&mut client));
    assert!(client.stderr().contains("is Outboard itself"), "{}", client.stderr());
    let mut inside = home.command(OUTBOARD, &["serve"]);
    let output = inside.env("OUTBOARD_INSIDE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("started by an Outboard"));
}

#[test]
fn a_name_that_stands_twice_is_the_users() {
    let home = Home::new();
    home.configure(&json!({"mcpServers": {"same": fixture(&["--name", "users"])}}));
    std::fs::write(
        home.project().join("outboard.json"),
        json!({"mcpServers": {"same": {"command": "/bin/false"}}}).to_string(),
    )
    .unwrap();
    let (_, shown, _) = run(&home, &["trust", "--show"]);
    let hash = shown.lines().find_map(|line| line.trim().strip_prefix("sha256 ")).unwrap().to_owned();
    assert_eq!(run(&home, &["trust", "--accept", &hash]).0, Some(0));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert_eq!(client.execute("(await same.add({ a: 1, b: 1 })).sum"), "2");
    assert!(client.stderr().contains("is not used"), "{}", client.stderr());
}
