//! Help, completions and man pages: from one definition, and without what is hidden.

use super::Person;

const COMMANDS: [&str; 7] = ["run", "call", "search", "describe", "list", "doctor", "serve"];

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let person = Person::of(&[]);
    let help = person.says(&["--help"]);
    let help = help.fine();
    for part in COMMANDS.iter().chain(&["Exit codes:", "130"]) {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert!(!help.contains("demo-upstream"), "{help}");
    person.says(&[]).check(2, &["Usage: outboard"]);
    person.says(&["serch"]).check(2, &["'search'"]);
}

#[test]
fn every_shell_gets_its_completions() {
    let person = Person::of(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = person.says(&["completions", shell]);
        for command in COMMANDS {
            assert!(said.fine().contains(command), "{shell}: {command}");
        }
        assert!(!said.out.contains("demo-upstream"), "{shell}: hidden commands stay hidden");
    }
    person.says(&["completions", "tcsh"]).check(2, &["tcsh"]);
}

#[test]
fn man_pages_are_one_for_all_or_one_for_each() {
    let person = Person::of(&[]);
    let said = person.says(&["man"]);
    for part in [".TH outboard 1", "EXIT STATUS", "outboard\\-run(1)", "interrupted"] {
        assert!(said.fine().contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("upstream(1)"), "{}", said.out);
    let folder = person.home.project().join("pages");
    let said = person.says(&["man", folder.to_str().unwrap()]);
    let mut pages: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(said.fine().lines().count(), pages.len());
    assert!(COMMANDS.iter().all(|command| pages.contains(&format!("outboard-{command}.1"))), "{pages:?}");
    assert!(!pages.iter().any(|page| page.contains("demo-upstream") || page.contains("help")), "{pages:?}");
    let page = std::fs::read_to_string(folder.join("outboard-run.1")).unwrap();
    assert!(page.contains("max\\-tokens") && page.contains("EXIT STATUS"), "{page}");
    person.says(&["man", "/proc/no/such"]).check(1, &["error: could not write /proc/no/such"]);
}
