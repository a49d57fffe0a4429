//! Questions that one Outboard asks and another answers, and approvals that are used up.

use outboard_runtime::{
    approval::{Question, Sheet, SoFar, Spending},
    catalogue::Annotations,
    clock::WallTime,
    ids::{QuestionId, RequestId},
    journal::{Append, Ending, Event, Store as _, StoreTrouble},
    json::Json,
    operation::{Operation, ToolCall},
};
use outboard_store::{Fate, Retention};
use rusqlite::Connection;

use crate::events::{asked, delivered, intended, lease, opened, store};

fn sheet(id: &str) -> Sheet {
    let question = Question {
        operation: Operation::CallTool(ToolCall {
            upstream: "slack".into(),
            namespace: "slack".into(),
            tool: "post".into(),
            arguments: Json::parse("{\"text\":\"hi\",\"text\":\"twice\"}").unwrap(),
        }),
        annotations: Annotations::default(),
        vouched: true,
        rule: None,
        reason: "a test asks".to_owned(),
        remedy: None,
        run: "r1".into(),
        request: RequestId(1),
        line: Some(1),
        script: Some("await slack.post({})".into()),
        so_far: SoFar::default(),
        principal: "test".into(),
        proved: false,
    };
    Sheet { format: 1, id: id.into(), questions: vec![question], calls: 5, expires: WallTime(1) }
}

#[tokio::test]
async fn a_question_is_seen_and_answered_by_another_outboard_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (asks, other) = (store(folder.path()), store(folder.path()));
    assert_eq!(other.questions().await.unwrap(), []);
    asks.ask(&sheet("abc234")).await.unwrap();
    assert_eq!(other.questions().await.unwrap(), [sheet("abc234")]);
    let id = QuestionId::from("abc234");
    assert_eq!(asks.answered(&id).await.unwrap(), None);
    assert!(other.answer(&id, "yes".to_owned()).await.unwrap());
    assert!(!other.answer(&id, "no".to_owned()).await.unwrap(), "it has an answer");
    assert!(!other.answer(&"zzz".into(), "yes".to_owned()).await.unwrap(), "there is none");
    assert_eq!(asks.answered(&id).await.unwrap().as_deref(), Some("yes"));
    asks.refuse_answer(&id).await.unwrap();
    assert_eq!(other.questions().await.unwrap().len(), 1);
    asks.take_back(&id).await.unwrap();
    assert_eq!(other.questions().await.unwrap(), []);
    assert!(!other.answer(&id, "yes".to_owned()).await.unwrap());
}

#[tokio::test]
async fn questions_of_an_outboard_that_is_gone_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (asks, other) = (store(folder.path()), store(folder.path()));
    asks.ask(&sheet("abc234")).await.unwrap();
    asks.close();
    assert_eq!(other.questions().await.unwrap(), []);
    // The next one that asks takes away what was left.
    other.ask(&sheet("def345")).await.unwrap();
    let left = Connection::open(other.file()).unwrap().query_row(
        "SELECT group_concat(id) FROM questions",
        [],
        |row| row.get::<_, String>(0),
    );
    assert_eq!(left.unwrap(), "def345");
}

#[tokio::test]
async fn an_approval_is_used_as_often_as_it_may_whichever_outboard_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (store(folder.path()), store(folder.path()));
    let mut done = Vec::new();
    for (store, run, key, uses) in [
        (&one, "r1", "once", 1),
        (&other, "r2", "once", 1),
        (&one, "r3", "twice", 2),
        (&other, "r4", "twice", 2),
        (&one, "r5", "twice", 2),
        (&one, "r6", "never", 0),
    ] {
        store.append(&lease(run), vec![opened(run), asked(1, "{}")].into()).await.unwrap();
        let spends = vec![Spending { key: key.to_owned(), uses }];
        let append = Append { events: vec![intended(1)], spends };
        done.push(store.append(&lease(run), append).await.map_err(|failure| failure.trouble));
        let recorded = store.read(&run.into()).await.unwrap().len();
        assert_eq!(recorded, if done.last().unwrap().is_ok() { 3 } else { 2 }, "{run}");
    }
    let spent = Err(StoreTrouble::Spent);
    assert_eq!(done, [Ok(()), spent, Ok(()), Ok(()), spent, spent]);
}

#[tokio::test]
async fn whoever_answers_learns_what_became_of_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (asks, other) = (store(folder.path()), store(folder.path()));
    let id = |id: &str| QuestionId::from(id);
    for question in ["taken", "closed", "refused", "left"] {
        asks.ask(&sheet(question)).await.unwrap();
        assert!(other.answer(&id(question), "yes".to_owned()).await.unwrap());
        assert_eq!(other.fate(&id(question)).await.unwrap(), Fate::Waits);
    }
    asks.took(&id("taken")).await.unwrap();
    asks.take_back(&id("taken")).await.unwrap();
    asks.take_back(&id("closed")).await.unwrap();
    asks.refuse_answer(&id("refused")).await.unwrap();
    asks.took(&id("late")).await.unwrap();
    assert_eq!(other.fate(&id("refused")).await.unwrap(), Fate::Refused);
    // A process that is killed cleans nothing up.
    let killed = Connection::open(other.file()).unwrap();
    let held = "UPDATE questions SET holder = 999 WHERE id = 'left'";
    killed.execute(held, []).unwrap();
    asks.close();
    let mut fates = Vec::new();
    for question in ["taken", "taken", "late", "closed", "left"] {
        fates.push(other.fate(&id(question)).await.unwrap());
    }
    assert_eq!(fates, [Fate::Taken, Fate::Closed, Fate::Taken, Fate::Closed, Fate::Abandoned]);
}

#[tokio::test]
async fn uses_are_forgotten_only_where_nothing_can_rest_on_the_approval_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let spend = |run: &str, key: &str| {
        let spends = vec![Spending { key: key.to_owned(), uses: 1 }];
        let appended = store.append(&lease(run), Append { events: vec![intended(1)], spends });
        async move { appended.await.map_err(|failure| failure.trouble) }
    };
    for run in ["going", "over", "gone"] {
        store.append(&lease(run), vec![opened(run), asked(1, "{}")].into()).await.unwrap();
        assert_eq!(spend(run, run).await, Ok(()));
    }
    for run in ["over", "gone"] {
        let end = vec![delivered(1, "1"), Event::Ended(Ending::Value(None))];
        store.append(&lease(run), end.into()).await.unwrap();
    }
    let database = Connection::open(store.file()).unwrap();
    let known = || {
        let mut select = database.prepare("SELECT key FROM spent ORDER BY key").unwrap();
        let keys = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        keys.collect::<Result<Vec<_>, _>>().unwrap()
    };
    database.execute("INSERT INTO spent (key, used) VALUES ('before', 1)", []).unwrap();
    let keep = Retention { age: std::time::Duration::MAX, bytes: u64::MAX };
    store.prune(keep).await.unwrap();
    assert_eq!(known(), ["before", "going", "gone", "over"], "they are recent, or may be of a run under way");
    // The next day, and the run `gone` has been removed.
    database.execute("UPDATE spent SET at = 0 WHERE at IS NOT NULL", []).unwrap();
    database.execute("DELETE FROM runs WHERE id = 'gone'", []).unwrap();
    store.prune(keep).await.unwrap();
    assert_eq!(known(), ["before", "going"]);
    assert_eq!(spend("going", "going").await, Err(StoreTrouble::Spent));
    for run in ["over", "gone"] {
        assert_eq!(spend(run, run).await, Err(StoreTrouble::NotOwner), "{run}");
    }
    store.append(&lease("going"), Event::Ended(Ending::Value(None)).into()).await.unwrap();
    store.prune(keep).await.unwrap();
    assert_eq!(known(), ["gone", "over"], "taken just now, by what was refused");
}
