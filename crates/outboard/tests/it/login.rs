//! Signing in to an API and out of it, as a person does it at a terminal with a browser.

mod server;

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use self::server::{Server, browse};
use crate::cli::{Person, Said};

/// A person with an API that they sign in to.
struct User {
    person: Person,
    server: Server,
}

impl User {
    fn new(auth: &Value) -> Self {
        let server = Server::start();
        let person = Person::of(&[]);
        let document = person.file("pets.json", &server.document().to_string());
        let entry = json!({"openapi": document, "baseUrl": server.url(""), "auth": {"person": auth}});
        person.home.configure(&json!({"mcpServers": {"pets": entry}}));
        Self { person, server }
    }

    /// A browser that tells the test where it is to go.
    fn browser(&self) -> (PathBuf, PathBuf) {
        let (script, pipe) =
            (self.person.home.project().join("browser"), self.person.home.project().join("pipe"));
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        std::fs::write(&script, format!("#!/bin/sh\nprintf '%s\\n' \"$1\" > '{}'\n", pipe.display()))
            .unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        (script, pipe)
    }

    fn start(&self, arguments: &[&str], browser: Option<&PathBuf>) -> Child {
        let mut command = self.person.command(arguments);
        if let Some(browser) = browser {
            command.env("BROWSER", browser);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn sign_in_state(&self) -> Value {
        let listed = self.person.says(&["list", "--json"]).json();
        listed["upstreams"][0]["signIn"].clone()
    }

    fn calls(&self) -> Said {
        self.person.says(&["call", "pets.me", "--json"])
    }

    /// The files of the sign-in.
    fn kept(&self) -> Vec<PathBuf> {
        let folder = self.person.home.state().join("tokens");
        let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|kind| kind == "json")).collect()
    }

    fn signs_in(&self) {
        let child = self.start(&["login", "pets", "--yes", "--no-browser"], None);
        let said = follow(child);
        said.check(0, &[]);
    }
}

/// Goes where the command says, as a browser would, and waits for the command.
fn follow(mut child: Child) -> Said {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let url = lines.find(|line| line.contains("code_challenge")).unwrap();
    let (_, location, _) = browse(url.trim());
    let (status, _, page) = browse(&location.unwrap());
    assert_eq!(status, 200, "{page}");
    let rest: Vec<String> = lines.collect();
    let output = child.wait_with_output().unwrap();
    Said { err: rest.join("\n"), ..output.into() }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_person_signs_in_with_a_browser_and_out_again() {
    let user = User::new(&json!({"flow": "authorizationCode", "clientId": "me"}));
    let refused = user.calls();
    assert!(refused.code == Some(1) && format!("{refused:?}").contains("outboard login pets"), "{refused:?}");
    assert_eq!(user.sign_in_state(), "not signed in");
    let doctor = user.person.says(&["doctor", "--json"]).json();
    assert!(doctor["problems"].to_string().contains("outboard login pets"), "{doctor}");
    // What only a document says is nobody's word.
    user.person.says(&["login", "pets"]).check(2, &["only the document says where to sign in", "--yes"]);

    let (browser, pipe) = user.browser();
    let child = user.start(&["login", "pets", "--yes", "--scope", "read"], Some(&browser));
    let url = std::fs::read_to_string(pipe).unwrap();
    assert!(url.contains("scope=read") && url.contains("code_challenge_method=S256"), "{url}");
    let (status, location, _) = browse(url.trim());
    let redirect = location.unwrap();
    assert!(status == 302 && redirect.starts_with("http://127.0.0.1:"), "{redirect}");
    // Somebody else's answer changes nothing.
    let forged = redirect.split("state=").next().unwrap().to_owned() + "state=guessed";
    assert_eq!(browse(&forged).0, 400);
    assert_eq!(browse(&redirect).0, 200);
    let said: Said = child.wait_with_output().unwrap().into();
    said.check(0, &[&user.server.url(""), "its state is not the one that was sent"]);
    assert!(said.out.contains("signed in to `pets`") && said.out.contains("it allows: read"), "{said:?}");
    assert!(!format!("{said:?}").contains("-secret"), "{said:?}");

    let kept = user.kept();
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(user.sign_in_state(), "signed in");
    assert_eq!(user.calls().json()["name"], "Ada");
    assert_eq!(user.server.grants(), ["authorization_code", "refresh_token"]);
    assert_eq!(user.server.refused(), Vec::<String>::new());
    // Tokens stand in that one file and nowhere else.
    let holds = |file: &PathBuf| std::fs::read(file).unwrap().windows(7).any(|seven| seven == b"-secret");
    let holders: Vec<PathBuf> = files(&user.person.home.state()).into_iter().filter(holds).collect();
    assert_eq!(holders, kept);

    let said = user.person.says(&["logout", "pets"]);
    assert!(said.code == Some(0) && said.out.contains("signed out of `pets`"), "{said:?}");
    assert_eq!((user.kept().len(), user.sign_in_state()), (0, json!("not signed in")));
    assert!(user.person.says(&["logout", "pets"]).out.contains("nobody was signed in"));
    assert_eq!(user.calls().code, Some(1));
}

#[test]
fn processes_that_renew_a_token_at_once_do_not_lose_the_sign_in() {
    let user = User::new(&json!({"flow": "authorizationCode", "clientId": "me"}));
    user.signs_in();
    let calling: Vec<Child> = (0..3).map(|_| user.start(&["call", "pets.me", "--json"], None)).collect();
    for child in calling {
        let said: Said = child.wait_with_output().unwrap().into();
        // A token that ends at once may be replaced before it is used; what counts is that nobody is signed out.
        assert!(said.code == Some(0) || said.err.contains("401") || said.out.contains("401"), "{said:?}");
    }
    assert_eq!(user.server.refused(), Vec::<String>::new(), "no refresh token was used twice");
    assert_eq!(user.calls().json()["name"], "Ada");
    user.server.revoke();
    let said = user.calls();
    assert!(format!("{said:?}").contains("the sign-in has ended"), "{said:?}");
    assert_eq!((user.kept().len(), user.sign_in_state()), (0, json!("not signed in")));
}

#[test]
fn a_sign_in_that_cannot_be_says_why() {
    let user = User::new(
        &json!({"flow": "authorizationCode", "clientId": "me", "tokenUrl": "http://auth.example/token"}),
    );
    user.person.says(&["login", "pets", "--yes"]).check(2, &["auth.person.tokenUrl", "not encrypted"]);
    user.person.says(&["login", "zoo"]).check(2, &["no upstream is called `zoo`", "there are: pets"]);
    let user = User::new(&json!("${TOKEN:-t}"));
    user.person
        .says(&["login", "pets"])
        .check(2, &["nothing that a person signs in for", "\"person\"", "authorizationCode"]);
    user.person.says(&["logout", "pets"]).check(2, &["nothing that a person signs in for"]);
    let user = User::new(&json!({"flow": "authorizationCode", "clientId": "me"}));
    let said = user.person.says(&["login", "pets", "--yes", "--no-browser", "--wait", "0"]);
    said.check(1, &["nobody signed in within 0 s"]);
}

#[test]
fn add_takes_a_sign_in_and_says_how_to_make_it() {
    let user = User::new(&json!("t"));
    let document = user.person.home.project().join("pets.json").display().to_string();
    let url = user.server.url("");
    let add = |auth: &str| {
        user.person.says(&[
            "add",
            "zoo",
            "--openapi",
            &document,
            "--base-url",
            &url,
            "--references",
            "--auth",
            auth,
        ])
    };
    add("person={\"flow\": \"implicit\", \"clientId\": \"me\"}")
        .check(2, &["`auth.person.flow`", "authorizationCode"]);
    add("person={flow").check(2, &["--auth of `person` is no JSON"]);
    add("nobody={\"flow\": \"authorizationCode\", \"clientId\": \"me\"}").check(2, &["there are: person"]);
    let said = add("person={\"flow\": \"authorizationCode\", \"clientId\": \"me\"}");
    said.check(0, &["a person signs in to it: outboard login zoo"]);
    assert!(
        said.out.contains("as client me") && said.out.contains("what that refers to beside it"),
        "{said:?}"
    );
    follow(user.start(&["login", "zoo", "--yes", "--no-browser"], None)).check(0, &[]);
    let listed = user.person.says(&["list", "--json"]).json();
    let states: Vec<&Value> =
        listed["upstreams"].as_array().unwrap().iter().map(|it| &it["signIn"]).collect();
    assert_eq!(states, [&json!(null), &json!("signed in")]);
}
