//! Calls with tokens of a sign-in: used while they last, renewed by one at a time, and never sent where nobody said.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc::sync_channel,
};

use outboard_oauth::{Client, Endpoint, Key, Session, Store, seconds_now};
use tempfile::TempDir;

use super::*;
use crate::{login::sign_ins, spec::Login};

const SCHEME: &str = "person";

/// A user with a place for sessions.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn login(&self) -> Login {
        Login {
            upstream: "pets".to_owned(),
            client: Client { id: "me".to_owned(), secret: None },
            scopes: Vec::new(),
            authorization: None,
            token: None,
            issuer: None,
            store: Store::at(self.home.path().join("tokens")),
            key: Key::of(b"bound"),
        }
    }

    /// The API of a site, reached with this user's sign-in.
    fn reach(&self, site: &Site) -> Reach {
        let login = Credential::Login(Box::new(self.login()));
        Reach { credentials: BTreeMap::from([(SCHEME.to_owned(), login)]), ..reach(site) }
    }

    async fn signs_in(&self, site: &Site, change: impl FnOnce(&mut Session)) {
        let mut session = Session {
            upstream: "pets".to_owned(),
            client: "me".to_owned(),
            token_endpoint: site.url("/token").to_string(),
            origins: vec![site.url("/").origin().ascii_serialization()],
            access: "access-0000".to_owned(),
            refresh: Some("refresh-0000".to_owned()),
            given: seconds_now() - 3_600,
            ends: Some(seconds_now() - 1),
            scope: None,
        };
        change(&mut session);
        let login = self.login();
        login.store.lock(&login.key).await.unwrap().write(&session).unwrap();
    }

    fn session(&self) -> Option<Session> {
        let login = self.login();
        login.store.read(&login.key).unwrap()
    }
}

fn api(reach: &Reach) -> Api {
    open(&described(json!([{SCHEME: []}])), reach).unwrap().api
}

fn described(security: Value) -> Value {
    let mut document = get(security);
    document["components"]["securitySchemes"][SCHEME] = json!({"type": "oauth2", "flows": {"authorizationCode": {
        "authorizationUrl": "https://auth.example/authorize", "tokenUrl": "https://auth.example/token",
        "scopes": {"read:pets": "", "write:pets": ""},
    }}});
    document
}

async fn calls(api: &Api) -> Result<Value, String> {
    let reply = api.call(&ToolName::new("x"), &Json::from(json!({}))).await;
    let reply = reply.map_err(|failure| failure.to_string())?;
    Ok(reply.structured.map_or(Value::Null, |value| value.to_value()))
}

/// An authorisation server whose refresh tokens hold once, and an API that takes the latest access token only.
async fn rotating() -> Site {
    rotating_while(|| ()).await
}

/// The same, and something happens before each new token is given.
async fn rotating_while(happens: impl Fn() + Send + Sync + 'static) -> Site {
    let turn = AtomicUsize::new(0);
    Site::start(move |asked| {
        if asked.target != "/token" {
            let expected = format!("Bearer access-{:04}", turn.load(Ordering::SeqCst));
            let is_good = asked.headers.get("authorization") == Some(&expected);
            return if is_good { Answer::json("\"good\"") } else { Answer::new(401) };
        }
        let form = String::from_utf8(asked.body.clone()).unwrap();
        let now = turn.load(Ordering::SeqCst);
        if form != format!("grant_type=refresh_token&refresh_token=refresh-{now:04}&client_id=me") {
            return refusal("invalid_grant");
        }
        turn.store(now + 1, Ordering::SeqCst);
        happens();
        Answer::json(&tokens(now + 1))
    })
    .await
}

fn tokens(number: usize) -> String {
    json!({
        "access_token": format!("access-{number:04}"), "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": format!("refresh-{number:04}"),
    })
    .to_string()
}

fn refusal(error: &str) -> Answer {
    Answer::bad_request(&json!({ "error": error }).to_string())
}

fn asked_for_tokens(site: &Site) -> usize {
    site.received().iter().filter(|asked| asked.target == "/token").count()
}

#[tokio::test]
async fn without_a_sign_in_a_call_says_how_to_make_one() {
    let (user, site) = (User::new(), Site::start(|_| Answer::json("1")).await);
    let told = calls(&api(&user.reach(&site))).await.unwrap_err();
    assert!(
        told.contains("nobody is signed in to `pets`; a person can sign in: outboard login pets"),
        "{told}"
    );
    assert_eq!(site.received().len(), 0);
    // Where it may go without, it does.
    let optional = open(&described(json!([{SCHEME: []}, {}])), &user.reach(&site)).unwrap().api;
    assert_eq!(calls(&optional).await, Ok(json!(1)));
    assert!(!site.received()[0].headers.contains_key("authorization"));
    // A sign-in counts from the next call on, a sign-out too.
    let api = api(&user.reach(&site));
    user.signs_in(&site, |session| session.ends = None).await;
    assert_eq!(calls(&api).await, Ok(json!(1)));
    assert_eq!(site.received()[1].headers["authorization"], "Bearer access-0000");
    let login = user.login();
    login.store.lock(&login.key).await.unwrap().remove().unwrap();
    assert!(calls(&api).await.is_err());
}

#[tokio::test]
async fn an_ended_token_is_renewed_once_however_many_ask() {
    let (user, site) = (User::new(), rotating().await);
    user.signs_in(&site, |_| ()).await;
    // As two processes are to each other: they share the store and nothing else.
    let (one, other) = (api(&user.reach(&site)), api(&user.reach(&site)));
    let all = futures::future::join_all([&one, &other, &one, &other, &one, &other].map(calls)).await;
    assert_eq!(all, vec![Ok(json!("good")); 6]);
    assert_eq!(asked_for_tokens(&site), 1);
    let session = user.session().unwrap();
    assert_eq!((session.access.as_str(), session.refresh.as_deref()), ("access-0001", Some("refresh-0001")));
    assert!(session.ends.unwrap() > seconds_now() + 3_000);
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_end_is_renewed_for_the_next_call() {
    let (user, site) = (User::new(), rotating().await);
    user.signs_in(&site, |session| {
        session.access = "access-stale".to_owned();
        session.ends = Some(seconds_now() + 3_600);
    })
    .await;
    let api = api(&user.reach(&site));
    let reply = api.call(&ToolName::new("x"), &Json::from(json!({}))).await.unwrap();
    let told = format!("{:?}", reply.content);
    assert!(
        reply.is_error
            && told.contains("a later call asks for a new one")
            && told.contains("outboard login pets"),
        "{told}"
    );
    assert_eq!(calls(&api).await, Ok(json!("good")));
    assert_eq!(asked_for_tokens(&site), 1);
}

#[tokio::test]
async fn a_renewed_token_that_cannot_be_kept_is_used_and_kept_later() {
    let user = User::new();
    let (folder, away) = (user.home.path().join("tokens"), user.home.path().join("away"));
    let (from, to) = (folder.clone(), away.clone());
    let site = rotating_while(move || {
        std::fs::rename(&from, &to).unwrap();
        std::fs::write(&from, "no folder").unwrap();
    });
    let site = site.await;
    user.signs_in(&site, |_| ()).await;
    let api = api(&user.reach(&site));
    assert_eq!(calls(&api).await, Ok(json!("good")));
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(user.session().unwrap().access, "access-0000");
    assert_eq!(calls(&api).await, Ok(json!("good")));
    assert_eq!(user.session().unwrap().access, "access-0001");
    assert_eq!(asked_for_tokens(&site), 1);
}

#[tokio::test]
async fn a_refresh_token_that_was_taken_back_ends_the_sign_in() {
    let user = User::new();
    let site = Site::start(|_| {
        Answer::bad_request(r#"{"error":"invalid_grant","error_description":"refresh-0000 was revoked"}"#)
    })
    .await;
    user.signs_in(&site, |_| ()).await;
    let api = api(&user.reach(&site));
    let told = calls(&api).await.unwrap_err();
    assert!(
        told.contains("invalid_grant: *** was revoked") && told.contains("outboard login pets"),
        "{told}"
    );
    assert_eq!(user.session(), None);
    let told = calls(&api).await.unwrap_err();
    assert!(told.contains("nobody is signed in"), "{told}");
    assert_eq!(site.received().len(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_answer_costs_no_sign_in() {
    let elsewhere = Site::start(|_| Answer::json(&tokens(1))).await;
    let away = elsewhere.url("/token").to_string();
    for (answer, says) in [
        (Answer::new(503), "HTTP 503"),
        (Answer::new(307).with("location", &away), "it redirects, and tokens are not asked for elsewhere"),
        (Answer::new(302).with("location", "/other"), "it redirects"),
        (refusal("invalid_client"), "invalid_client"),
        (Answer::json("{}"), "no `access_token`"),
    ] {
        let (user, answer) = (User::new(), Mutex::new(Some(answer)));
        let site =
            Site::start(move |_| answer.lock().unwrap().take().unwrap_or_else(|| Answer::new(500))).await;
        user.signs_in(&site, |_| ()).await;
        let told = calls(&api(&user.reach(&site))).await.unwrap_err();
        assert!(told.contains(says) && !told.contains("refresh-0000"), "{told}");
        assert_eq!(user.session().unwrap().refresh.as_deref(), Some("refresh-0000"));
        assert_eq!(site.received().len(), 1);
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[tokio::test]
async fn a_token_is_not_sent_where_its_sign_in_did_not_say() {
    let (user, site) = (User::new(), Site::start(|_| Answer::json("1")).await);
    let elsewhere = Site::start(|_| Answer::json("1")).await;
    for change in [
        (|session: &mut Session, _: &Reach| session.origins = vec!["https://other.example".to_owned()])
            as fn(&mut Session, &Reach),
        |session, _| session.client = "you".to_owned(),
    ] {
        let reach = user.reach(&site);
        user.signs_in(&site, |session| {
            session.ends = None;
            change(session, &reach);
        })
        .await;
        let told = calls(&api(&reach)).await.unwrap_err();
        assert!(told.contains("made for other addresses or another client"), "{told}");
    }
    // An address that was added since is one that nobody had in mind.
    user.signs_in(&site, |session| session.ends = None).await;
    let more = Reach { servers: vec![elsewhere.url("/")], ..user.reach(&site) };
    assert!(calls(&api(&more)).await.is_err());
    assert_eq!((site.received().len(), elsewhere.received().len()), (0, 0));
    // A redirect leaves it behind.
    let away = elsewhere.url("/x").to_string();
    let leading = Site::start(move |_| Answer::new(302).with("location", &away)).await;
    user.signs_in(&leading, |session| session.ends = None).await;
    calls(&api(&Reach { private: true, ..user.reach(&leading) })).await.unwrap();
    assert!(leading.received()[0].headers.contains_key("authorization"));
    assert!(!elsewhere.received()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_server_that_echoes_a_token_gives_nothing_away() {
    let user = User::new();
    let site =
        Site::start(|asked| Answer::json(&json!(format!("{:?} refresh-0000", asked.headers)).to_string()))
            .await;
    user.signs_in(&site, |session| session.ends = None).await;
    let told = calls(&api(&user.reach(&site))).await.unwrap().to_string();
    assert!(
        told.contains("Bearer ***") && !told.contains("access-0000") && !told.contains("refresh-0000"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_outlives_the_call_that_wanted_it() {
    let user = User::new();
    let (arrived, arrives) = sync_channel(1);
    let (go, going) = sync_channel::<()>(1);
    let going = Mutex::new(going);
    let site = Site::start(move |_| {
        arrived.send(()).unwrap();
        going.lock().unwrap().recv().unwrap();
        Answer::json(&tokens(1))
    })
    .await;
    user.signs_in(&site, |_| ()).await;
    let api = Arc::new(api(&user.reach(&site)));
    let calling = {
        let api = Arc::clone(&api);
        tokio::spawn(async move { calls(&api).await })
    };
    tokio::task::spawn_blocking(move || arrives.recv().unwrap()).await.unwrap();
    calling.abort();
    assert!(calling.await.is_err());
    go.send(()).unwrap();
    api.settled().await;
    assert_eq!(user.session().unwrap().refresh.as_deref(), Some("refresh-0001"));
}

#[tokio::test]
async fn where_to_sign_in_is_the_documents_word_until_a_person_says_it() {
    let (user, site) = (User::new(), Site::start(|_| Answer::new(200)).await);
    let sign_in = |document: &Value, change: &dyn Fn(&mut Login)| {
        let mut login = user.login();
        change(&mut login);
        let credentials = BTreeMap::from([(SCHEME.to_owned(), Credential::Login(Box::new(login)))]);
        let document = Document::parse(document.to_string().into_bytes()).unwrap();
        sign_ins(&document, &Reach { credentials, ..reach(&site) }).remove(SCHEME).unwrap()
    };
    let endpoint = |url: &str| Endpoint::new(Url::parse(url).unwrap()).ok();
    let whole = described(json!([]));
    let said = sign_in(&whole, &|_| ()).unwrap();
    assert_eq!(
        (said.authorization.origin(), said.token.url().path(), said.unconfirmed, said.scopes.len()),
        ("https://auth.example".to_owned(), "/token", true, 2)
    );
    let own = sign_in(&whole, &|login| {
        (login.authorization, login.token) =
            (endpoint("https://own.example/a"), endpoint("https://own.example/t"));
    });
    assert_eq!(
        own.map(|own| (own.token.origin(), own.unconfirmed)),
        Ok(("https://own.example".to_owned(), false))
    );
    for (flow, says) in [
        (
            json!({"authorizationUrl": "http://auth.example/a", "tokenUrl": "https://auth.example/t"}),
            "it is not encrypted",
        ),
        (
            json!({"authorizationUrl": "https://auth.example/a", "tokenUrl": "http://auth.example/t"}),
            "it is not encrypted",
        ),
        (
            json!({"authorizationUrl": "javascript:alert(1)", "tokenUrl": "https://auth.example/t"}),
            "it is not encrypted",
        ),
        (
            json!({"authorizationUrl": "https://me@auth.example/a", "tokenUrl": "https://auth.example/t"}),
            "a user name",
        ),
        (json!({"authorizationUrl": "https://auth.example/a"}), "add \"tokenUrl\""),
    ] {
        let mut document = whole.clone();
        document["components"]["securitySchemes"][SCHEME]["flows"]["authorizationCode"] = flow;
        let refused = sign_in(&document, &|_| ()).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    // Swagger 2.0 has it elsewhere.
    let swagger = json!({"swagger": "2.0", "paths": {}, "securityDefinitions": {SCHEME: {
        "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://auth.example/a", "tokenUrl": "https://auth.example/t", "scopes": {"a": ""},
    }}});
    assert_eq!(sign_in(&swagger, &|_| ()).map(|said| said.scopes), Ok(vec!["a".to_owned()]));
    // A scheme of another kind has no sign-in.
    let mut other = whole;
    other["components"]["securitySchemes"][SCHEME] = json!({"type": "apiKey", "in": "query", "name": "k"});
    assert!(sign_in(&other, &|_| ()).unwrap_err().contains("does not have OAuth"));
}
