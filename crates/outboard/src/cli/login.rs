//! `outboard login`: a person signs in to an API in a browser (OAuth's authorisation code), and the tokens are kept. Where
//! the person is sent and where tokens come from stands in the configuration, or the person says yes to what the
//! document says; the document alone decides nothing.

mod browser;

use std::{io::IsTerminal as _, time::Duration};

use clap::Args;
use outboard_oauth::{Attempt, Expected, Form, Listener, Outcome, Session, Tokens, seconds_now};
use outboard_openapi::{
    Credential, Reach, load,
    login::{SignIn, exchange, offered, sign_ins},
};
use tokio_util::sync::CancellationToken;

use super::{context::Context, show, signals, variable};
use crate::{
    config::Configured,
    report::{self, Failure, USAGE, escaped, quoted},
    wiring,
};

/// Options of `outboard login`.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// The API, by the name of its entry
    name: String,
    /// Which of the entry's security schemes, if there are several that a person signs in for
    #[arg(long)]
    scheme: Option<String>,
    /// What to ask for instead of what the entry says, once for each
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Open no browser, only print the address
    #[arg(long)]
    no_browser: bool,
    /// The port of the loopback to which the browser comes back; any that is free, if it is 0
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seconds to wait for the person
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    wait: u64,
    /// Agree beforehand to the addresses that the document names
    #[arg(long)]
    yes: bool,
}

/// The entry's upstream.
pub(super) fn configured<'a>(context: &'a Context, name: &str) -> Result<&'a Configured, Failure> {
    let upstreams = &context.configuration.upstreams;
    upstreams.iter().find(|upstream| upstream.name == name).ok_or_else(|| {
        let names: Vec<String> = upstreams.iter().map(|upstream| escaped(&upstream.name)).collect();
        let there = if names.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are: {}", names.join(", "))
        };
        Failure::new(format_args!("no upstream is called `{}`", escaped(name))).hint(there).code(USAGE)
    })
}

/// How the API is reached.
fn reach(context: &Context, configured: &Configured) -> Result<Reach, Failure> {
    let sessions = wiring::sessions(&context.places.state);
    let reach =
        wiring::reach_of(configured, &variable, &sessions).map_err(|what| Failure::new(what).code(USAGE))?;
    reach.ok_or_else(|| {
        Failure::new(format_args!("`{}` is no HTTP API", escaped(&configured.name)))
            .hint("Outboard signs in to entries with \"openapi\" only; an MCP server takes a token in its `headers`")
            .code(USAGE)
    })
}

impl Login {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let configured = configured(&context, &self.name)?;
        let reach = reach(&context, configured)?;
        let (sign_in, login) = self.chosen(&context, &reach).await?;
        self.confirm(&sign_in, &login, &reach)?;
        let stop = CancellationToken::new();
        let signals = signals::cancel(stop.clone())?;
        let signed_in = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::interrupted()),
            signed_in = self.sign_in(&sign_in, &login, &reach) => signed_in,
        };
        signals.abort();
        let session = signed_in?;
        let locked = login.store.lock(&login.key).await.map_err(|problem| Failure::could_not(&problem))?;
        locked.write(&session).map_err(|problem| Failure::could_not(&problem))?;
        report::line(format_args!(
            "signed in to `{}`{}; {}",
            escaped(&self.name),
            told(&session),
            match session.refresh {
                Some(_) => "it is renewed when it ends",
                None => "it cannot be renewed",
            }
        ));
        if let Some(scope) = &session.scope {
            report::line(format_args!("it allows: {}", escaped(scope)));
        }
        Ok(())
    }

    /// What is signed in for, and where.
    async fn chosen(
        &self,
        context: &Context,
        reach: &Reach,
    ) -> Result<(SignIn, outboard_openapi::Login), Failure> {
        let store = context.places.state.join("openapi");
        let document = load(&reach.document, Some(&store), reach.private, &reach.references)
            .await
            .map_err(|failure| Failure::could_not(&failure))?;
        let all = sign_ins(&document, reach);
        let name = match (&self.scheme, all.len()) {
            (Some(scheme), _) => scheme.clone(),
            (None, 0) => {
                let schemes = offered(&document);
                let scheme = schemes.first().map_or("SCHEME", String::as_str);
                return Err(Failure::new(format_args!(
                    "the entry of `{}` has nothing that a person signs in for",
                    escaped(&self.name)
                ))
                .hint(format_args!(
                    "add \"auth\": {{\"{}\": {{\"flow\": \"authorizationCode\", \"clientId\": \"…\"}}}}, with the id that \
                     the API's owner gave your client",
                    escaped(scheme)
                ))
                .code(USAGE));
            }
            (None, 1) => all.keys().next().cloned().unwrap_or_default(),
            (None, _) => {
                let names: Vec<String> = all.keys().map(|name| escaped(name)).collect();
                return Err(Failure::new("there are several to sign in for")
                    .hint(format_args!("say which, --scheme with one of: {}", names.join(", ")))
                    .code(USAGE));
            }
        };
        let login = match reach.credentials.get(&name) {
            Some(Credential::Login(login)) => (**login).clone(),
            _ => {
                let names: Vec<String> = all.keys().map(|name| escaped(name)).collect();
                return Err(Failure::new(format_args!("nobody signs in for `{}`", escaped(&name)))
                    .hint(format_args!("there are: {}", names.join(", ")))
                    .code(USAGE));
            }
        };
        let sign_in = all.into_iter().find(|(scheme, _)| *scheme == name).map(|(_, sign_in)| sign_in);
        let sign_in = sign_in.unwrap_or_else(|| Err("it is not there".to_owned()));
        Ok((sign_in.map_err(|what| Failure::new(what).code(USAGE))?, login))
    }

    /// Shows where the person is sent and where the tokens go, and asks for a yes to what nobody has written down.
    fn confirm(
        &self,
        sign_in: &SignIn,
        login: &outboard_openapi::Login,
        reach: &Reach,
    ) -> Result<(), Failure> {
        let origins: Vec<String> = origins(reach).iter().map(|origin| escaped(origin)).collect();
        report::note(format_args!("you sign in at       {}", escaped(sign_in.authorization.url().as_str())));
        report::note(format_args!("tokens are given by  {}", escaped(sign_in.token.url().as_str())));
        report::note(format_args!("and sent to          {}", origins.join(", ")));
        if self.scopes(&login.scopes).is_empty() && !sign_in.scopes.is_empty() {
            let named: Vec<String> = sign_in.scopes.iter().take(20).map(|scope| quoted(scope)).collect();
            let more = if sign_in.scopes.len() > named.len() { ", …" } else { "" };
            report::hint(format_args!("what can be asked for with --scope: {}{more}", named.join(", ")));
        }
        if !sign_in.unconfirmed || self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(
                "only the document says where to sign in, and nobody has agreed to that",
            )
            .hint(format_args!(
                "--yes agrees; so does \"authorizationUrl\" and \"tokenUrl\" in `auth.{}`",
                escaped(&sign_in.scheme)
            ))
            .code(USAGE));
        }
        match show::confirmed("The document says so, and nobody else. Is that where you mean to sign in?")? {
            true => Ok(()),
            false => Err(Failure::new("nobody was signed in")
                .hint("an entry can say where: \"authorizationUrl\" and \"tokenUrl\" beside \"clientId\"")),
        }
    }

    fn scopes<'a>(&'a self, configured: &'a [String]) -> &'a [String] {
        if self.scope.is_empty() { configured } else { &self.scope }
    }

    /// Sends the person to the server and exchanges what comes back.
    async fn sign_in(
        &self,
        sign_in: &SignIn,
        login: &outboard_openapi::Login,
        reach: &Reach,
    ) -> Result<Session, Failure> {
        let listener = Listener::bind(self.port).await.map_err(|error| {
            Failure::new(format_args!("could not listen at port {} of 127.0.0.1: {error}", self.port))
                .hint("leave --port out, if your client may come back at any")
        })?;
        let expected = login.issuer.clone().map_or(Expected::Origin, Expected::Issuer);
        let attempt = Attempt::new(sign_in.authorization.clone(), listener.redirect().clone(), expected);
        let url = attempt.url(&login.client.id, self.scopes(&login.scopes));
        report::note(format_args!("open this address to sign in:\n{url}"));
        let opened = if self.no_browser { None } else { browser::open(url.as_str(), &variable) };
        let stray = |why| {
            report::warn(format_args!(
                "something else came to the address that waits for your browser: {why}"
            ));
        };
        let answer = self.answer(listener.answer(&attempt, stray), opened).await?;
        let code = match answer {
            Outcome::Code(code) => code,
            Outcome::Refused(said) => {
                return Err(Failure::new(format_args!("{} refused: {said}", sign_in.authorization.origin())));
            }
        };
        let form = Form::of_code(&login.client, &attempt, &code);
        let secrets: Vec<&str> = login.client.secret.as_deref().into_iter().collect();
        let tokens = exchange(&sign_in.token, &form, reach.private, &secrets).await.map_err(|failure| {
            Failure::new(format_args!("{} gave no token: {failure}", sign_in.token.origin()))
        })?;
        Ok(session(&self.name, sign_in, login, reach, tokens))
    }

    /// Waits for the person, as long as they have.
    async fn answer(
        &self,
        answer: impl Future<Output = std::io::Result<Outcome>>,
        opened: Option<tokio::process::Child>,
    ) -> Result<Outcome, Failure> {
        // A browser that is started by this may stay for as long as the person likes; one that fails is told of.
        let browser = async {
            if let Some(mut opened) = opened
                && opened.wait().await.is_ok_and(|status| !status.success())
            {
                report::warn("no browser could be opened: open the address yourself");
            }
            std::future::pending::<()>().await;
        };
        let patience = Duration::from_secs(self.wait);
        tokio::select! {
            answer = answer => answer.map_err(|error| {
                Failure::new(format_args!("could not listen for the browser any longer: {error}"))
            }),
            () = browser => Err(Failure::interrupted()),
            () = tokio::time::sleep(patience) => {
                Err(Failure::new(format_args!("nobody signed in within {} s", self.wait))
                    .hint("--wait gives more time"))
            }
        }
    }
}

fn session(
    name: &str,
    sign_in: &SignIn,
    login: &outboard_openapi::Login,
    reach: &Reach,
    tokens: Tokens,
) -> Session {
    let mut session = Session {
        upstream: name.to_owned(),
        client: login.client.id.clone(),
        token_endpoint: sign_in.token.url().to_string(),
        origins: origins(reach),
        access: String::new(),
        refresh: None,
        given: 0,
        ends: None,
        scope: None,
    };
    session.take(tokens, seconds_now());
    session
}

/// Where tokens go, by a person's word.
fn origins(reach: &Reach) -> Vec<String> {
    let mut origins: Vec<String> =
        reach.base.iter().chain(&reach.servers).map(|url| url.origin().ascii_serialization()).collect();
    origins.sort();
    origins.dedup();
    origins
}

/// How long the token still lasts.
fn told(session: &Session) -> String {
    let Some(ends) = session.ends else { return String::new() };
    let minutes = ends.saturating_sub(seconds_now()).div_ceil(60);
    match minutes {
        0 => ", whose token has ended".to_owned(),
        1..=120 => format!(", whose token lasts {}", report::counted(minutes as usize, "minute")),
        _ => format!(", whose token lasts {}", report::counted((minutes / 60) as usize, "hour")),
    }
}
