//! Result types that were learned from calls: shown by `search` and `describe`, taken back by `forget`.

use serde_json::json;

use super::Person;
use crate::harness::{OUTBOARD, Session, fixture};

fn call(person: &Person, value: &str) {
    person.says(&["call", "--json", "fix.echo", &format!(r#"{{"value": {value}, "form": "text"}}"#)]).fine();
}

#[test]
fn results_are_learned_shown_and_forgotten() {
    let person = Person::with(&[]);
    let described = || person.says(&["describe", "fix.echo"]).fine().to_owned();
    assert!(described().contains("Promise<any>"), "{}", described());
    for number in 0..3 {
        call(&person, &format!(r#"{{"id": {number}, "ann{number}@example.com": "secret"}}"#));
    }
    let full = "Promise</* observed */ {\n  /** integer */ id: number;\n  [key: string]: any;\n}>";
    assert!(described().contains(full), "{}", described());
    let found = person.says(&["search", "fix.echo"]).fine().to_owned();
    assert!(found.contains("Promise</* observed */ { id: number; [key: string]: any }>"), "{found}");
    let machine = person.says(&["describe", "--json", "fix.echo"]).json();
    assert_eq!(machine["observedResult"]["required"], json!(["id"]));
    // Widened when reality disagrees.
    call(&person, r#"{"id": null}"#);
    assert!(described().contains("id: number | null"), "{}", described());

    // Of results' text nothing is kept but names.
    let kept = std::fs::read_dir(person.home.state().join("observed")).unwrap();
    let kept: String = kept.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(kept.contains("\"id\"") && !kept.contains("example") && !kept.contains("secret"), "{kept}");

    assert!(person.says(&["forget", "fix.add"]).fine().contains("nothing was known"));
    assert_eq!(
        person.says(&["forget", "fix.echo"]).fine(),
        "what results look like is forgotten of 1 tool\n"
    );
    assert!(described().contains("Promise<any>"), "{}", described());
    for number in 0..3 {
        call(&person, &number.to_string());
    }
    assert!(described().contains("/* observed */ number"), "{}", described());
    assert_eq!(person.says(&["forget", "--all", "--json"]).json(), json!({"forgotten": 1, "of": "servers"}));
    assert!(described().contains("Promise<any>"), "{}", described());
    person.says(&["forget", "fox"]).check(2, &["there is no server `fox`"]);
    person.says(&["forget"]).check(2, &[]);
}

#[test]
fn nothing_is_learned_of_what_is_private_or_turned_off() {
    // Nothing of it leaves the organisation: the other guard is not what is tried here.
    let labelled = |private: bool| {
        let mut entry = fixture(&[]);
        entry["labels"] = json!({"private": private, "external": false});
        json!({"mcpServers": {"fix": entry}})
    };
    let person = Person::with(&[]);
    let observed = || person.says(&["describe", "fix.echo"]).fine().contains("observed");
    let thrice = || (0..3).for_each(|_| call(&person, "1"));
    person.home.configure(&labelled(false));
    thrice();
    assert!(observed());
    // What was learned goes when the label comes.
    person.home.configure(&labelled(true));
    thrice();
    assert!(!observed());
    person.home.configure(&labelled(false));
    assert!(!observed());

    let mut off = labelled(false);
    off["learnResults"] = json!(false);
    person.home.configure(&off);
    thrice();
    person.home.configure(&labelled(false));
    assert!(!observed());
}

#[test]
fn what_a_running_outboard_still_has_to_learn_from_is_forgotten_with_the_rest() {
    let mut session = Session::with(&[]);
    let says = |session: &Session, arguments: &[&str]| {
        let output = session.home.command(OUTBOARD, arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let thrice = |session: &mut Session, from: u32| {
        for number in from..from + 3 {
            session.value(&format!("fix.echo({{ value: {{ id: {number} }}, form: 'text' }})"));
        }
    };
    thrice(&mut session, 0);
    // It gathers for 200 ms: whether it has learned by now or not, it came before.
    says(&session, &["forget", "--all"]);
    session.client.close();
    session.client.wait_for_end();
    assert!(!says(&session, &["describe", "fix.echo"]).contains("observed"));
    session.client = session.again();
    thrice(&mut session, 3);
    session.client.close();
    session.client.wait_for_end();
    assert!(says(&session, &["search", "fix.echo"]).contains("/* observed */ { id: number }"));
}
