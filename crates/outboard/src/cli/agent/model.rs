//! Which model, by which API and with which key; or turns that are written down. A key is looked for in the environment and
//! in the `.env` of the working directory, and never shown.

use std::{io::Read as _, path::PathBuf};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _, ValueParser},
};
use outboard_agent::{
    Provider, Report, Task,
    keys::{self, Source},
    prices::{Cost, NoCost, Prices},
    provider::{
        anthropic::Anthropic,
        endpoint::{Dialect, Endpoint, Key},
        openai::OpenAi,
        options::{Effort, Options},
        retry::Patience,
        scripted::Scripted,
    },
    task::{Mode, Way},
};
use outboard_demo::tasks;

use crate::{
    cli::{input, variable},
    config::Places,
    report::{Failure, USAGE, escaped},
};

const ANTHROPIC: &str = "ANTHROPIC_API_KEY";
const OPENAI: &str = "OPENAI_API_KEY";
const MODEL: &str = "OUTBOARD_MODEL";
/// Bytes read of a `.env`.
const ENV_FILE: u64 = 64 << 10;

/// Which model is asked, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct ModelOptions {
    /// Whose API: `anthropic`, `openai`, the URL of one that is compatible (https, or http on this machine; ending in /messages
    /// for Anthropic's), or `scripted` for turns that are written down
    #[arg(long, value_name = "NAME|URL")]
    provider: Option<String>,
    /// The model; the variable OUTBOARD_MODEL without it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The variable, in the environment or in .env, that holds the key; a URL gets no key without it
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// With --provider scripted: play these recorded turns instead of the task's
    #[arg(long, value_name = "FILE")]
    turns: Option<PathBuf>,
    /// Tokens that one turn may write
    #[arg(long, value_name = "TOKENS", default_value_t = 8_192)]
    max_output: u32,
    /// How much the model thinks; the API's own choice without it. For chat completions, and models that know it
    #[arg(long, value_name = "EFFORT", value_parser = effort_parser())]
    reasoning_effort: Option<Effort>,
    /// Do not ask the API to keep the prompt in its cache
    #[arg(long)]
    no_cache: bool,
    /// Prices that go before the built-in ones; without it `prices.json` beside your outboard.json, if it is there
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Let the services of built-in tasks answer at once instead of like services behind a network
    #[arg(long)]
    no_latency: bool,
}

/// Who says the turns, and what they cost.
pub(in crate::cli) struct Chosen {
    pub(in crate::cli) provider: Box<dyn Provider>,
    /// `anthropic`, `openai`, a host, or `scripted`.
    pub(in crate::cli) name: String,
    /// Of written turns, which.
    pub(in crate::cli) way: Option<String>,
    /// Whose own API it is, if it is that of the models' maker.
    pub(in crate::cli) maker: Option<String>,
    /// Nobody says these turns: they are written down.
    pub(in crate::cli) is_played: bool,
    prices: Prices,
}

/// Whose turns are asked for.
enum Whose {
    Written,
    Api(Endpoint, &'static str, Option<String>),
}

impl Chosen {
    /// What an agent's turns cost, if that is known.
    pub(in crate::cli) fn cost(&self, report: &Report) -> Result<Cost, NoCost> {
        let model = self.provider.model().ok_or(NoCost::NoPrice)?;
        self.prices.cost(model, report.turns.iter().map(|turn| turn.usage))
    }

    /// The provider and the model, for people.
    pub(in crate::cli) fn label(&self) -> String {
        match (self.provider.model(), self.name.as_str()) {
            (None, "scripted") => "written turns".to_owned(),
            (Some(model), "scripted") => format!("recorded turns of {}", escaped(model)),
            (Some(model), name) => format!("{} by {name}", escaped(model)),
            (None, name) => name.to_owned(),
        }
    }
}

impl ModelOptions {
    /// Whether the demo's services take their time.
    pub(in crate::cli) fn latency(&self) -> bool {
        !self.no_latency
    }

    /// Whether turns that are written down are to be played: said so, or meant where nothing else is said.
    pub(in crate::cli) fn plays_written(&self, otherwise: bool) -> bool {
        match self.provider.as_deref() {
            Some(provider) => provider == "scripted",
            // Whoever names a model wants it to be asked, and whoever names turns wants them to be played.
            None => self.turns.is_some() || (otherwise && self.model.is_none()),
        }
    }

    /// Whether these are turns of a file.
    pub(in crate::cli) fn plays_recorded(&self) -> bool {
        self.turns.is_some()
    }

    /// The model for a task in a mode; of written turns those of the way of this name, or the first.
    pub(in crate::cli) fn choose(
        &self,
        task: &Task,
        mode: Mode,
        way: Option<&str>,
    ) -> Result<Chosen, Failure> {
        match self.whose()? {
            Whose::Written => self.written(task, mode, way),
            Whose::Api(endpoint, name, key) => self.asked(endpoint, name, key.as_deref()),
        }
    }

    /// The written turns of one way.
    pub(in crate::cli) fn play(&self, way: &Way) -> Result<Chosen, Failure> {
        let provider = Scripted::with(&way.turns, &tasks::computed)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        self.played(provider, Some(way.name.clone()))
    }

    fn played(&self, provider: Scripted, way: Option<String>) -> Result<Chosen, Failure> {
        for (is_given, option) in [
            (self.model.is_some(), "--model"),
            (self.key_env.is_some(), "--key-env"),
            (self.reasoning_effort.is_some(), "--reasoning-effort"),
        ] {
            if is_given {
                return Err(Failure::new(format_args!("{option} is for a model, and turns are played here"))
                    .hint("--provider names whom to ask")
                    .code(USAGE));
            }
        }
        // A file may say of itself what it likes: it is believed for a price in a table, and for nothing else.
        let by_maker = matches!(provider.provider(), Some("anthropic" | "openai"));
        Ok(Chosen {
            maker: provider.provider().map(str::to_owned),
            provider: Box::new(provider),
            name: "scripted".to_owned(),
            way,
            is_played: true,
            prices: self.prices(by_maker)?,
        })
    }

    fn whose(&self) -> Result<Whose, Failure> {
        let own = |name: &'static str| Some(self.key_env.clone().unwrap_or_else(|| name.to_owned()));
        match self.provider.as_deref() {
            Some("scripted") => Ok(Whose::Written),
            None if self.turns.is_some() => Ok(Whose::Written),
            Some("anthropic") => Ok(Whose::Api(Endpoint::anthropic(), "anthropic", own(ANTHROPIC))),
            Some("openai") => Ok(Whose::Api(Endpoint::openai(), "openai", own(OPENAI))),
            Some(url) => {
                let endpoint = Endpoint::at(url).map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
                Ok(Whose::Api(endpoint, "", self.key_env.clone()))
            }
            None if find_key(ANTHROPIC)?.is_some() => {
                Ok(Whose::Api(Endpoint::anthropic(), "anthropic", own(ANTHROPIC)))
            }
            None if find_key(OPENAI)?.is_some() => Ok(Whose::Api(Endpoint::openai(), "openai", own(OPENAI))),
            None => Err(Failure::new("no model can be asked: there is no key")
                .hint(format_args!(
                    "set {ANTHROPIC} or {OPENAI} (or put it in .env), name an API with --provider URL, or play the task's \
                     written turns: --provider scripted"
                ))
                .code(USAGE)),
        }
    }

    fn written(&self, task: &Task, mode: Mode, way: Option<&str>) -> Result<Chosen, Failure> {
        if let Some(path) = &self.turns {
            let text = input::read(path, "the turns")?;
            let provider =
                Scripted::recorded(&text).map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
            return self.played(provider, None);
        }
        let mut ways = task.ways.iter().filter(|candidate| candidate.mode == mode);
        match ways.find(|candidate| way.is_none_or(|name| candidate.name == name)) {
            Some(way) => self.play(way),
            None => {
                let names: Vec<String> = task.ways.iter().map(|way| format!("{:?}", way.label())).collect();
                let failure = Failure::new(format_args!(
                    "the task has no written turns for mode `{}`{}",
                    mode.as_str(),
                    way.map(|name| format!(" and way `{}`", escaped(name))).unwrap_or_default()
                ))
                .code(USAGE);
                Err(if names.is_empty() {
                    failure.hint("--turns FILE plays recorded turns; --record FILE makes such a file")
                } else {
                    failure.hint(format_args!("it has: {}", escaped(&names.join(", "))))
                })
            }
        }
    }

    fn asked(&self, endpoint: Endpoint, name: &str, key: Option<&str>) -> Result<Chosen, Failure> {
        if self.turns.is_some() {
            return Err(Failure::new("--turns is for --provider scripted").code(USAGE));
        }
        let model = self.model.clone().or_else(|| variable(MODEL)).filter(|model| !model.trim().is_empty());
        let Some(model) = model else {
            return Err(Failure::new("which model is to be asked?")
                .hint(format_args!("name it with --model, or in the variable {MODEL}"))
                .code(USAGE));
        };
        let found = match key {
            Some(variable) => Some(needed_key(variable)?),
            None => None,
        };
        let maker = endpoint.maker().map(str::to_owned);
        let name = if name.is_empty() { endpoint.host() } else { name.to_owned() };
        let effort = self.reasoning_effort;
        if effort.is_some() && endpoint.dialect == Dialect::Anthropic {
            return Err(Failure::new(
                "--reasoning-effort is for chat completions: the Messages API has no such option",
            )
            .code(USAGE));
        }
        let options = Options { most_output: self.max_output, cache: !self.no_cache, stream: true, effort };
        let patience = Patience::default();
        let made: Result<Box<dyn Provider>, _> = match endpoint.dialect {
            Dialect::Anthropic => {
                Anthropic::new(endpoint, found, &model, options, patience).map(|made| Box::new(made) as _)
            }
            Dialect::OpenAi => {
                OpenAi::new(endpoint, found, &model, options, patience).map(|made| Box::new(made) as _)
            }
        };
        let provider = made.map_err(|problem| Failure::could_not(&problem))?;
        let prices = self.prices(maker.is_some())?;
        Ok(Chosen { provider, name, way: None, maker, is_played: false, prices })
    }

    /// The prices that hold for whoever serves a model: list prices are its maker's own, and others have theirs.
    fn prices(&self, by_maker: bool) -> Result<Prices, Failure> {
        let built_in = if by_maker { Prices::built_in() } else { Prices::none() };
        let text = match &self.prices {
            Some(path) => Some(input::read(path, "the prices")?),
            None => {
                let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
                std::fs::read_to_string(places.config.join("prices.json")).ok()
            }
        };
        let Some(text) = text else { return Ok(built_in) };
        let own = Prices::read(&text).map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        Ok(built_in.overridden_by(own))
    }
}

fn effort_parser() -> ValueParser {
    ValueParser::new(PossibleValuesParser::new(Effort::ALL.map(Effort::as_str)).try_map(|name| {
        let mut all = Effort::ALL.into_iter();
        all.find(|effort| effort.as_str() == name).ok_or_else(|| format!("no effort `{name}`"))
    }))
}

fn needed_key(name: &str) -> Result<Key, Failure> {
    match find_key(name)? {
        Some((key, _)) => Ok(key),
        None => Err(Failure::new(format_args!("there is no key: `{}` is not set", escaped(name)))
            .hint("set it in the environment, or in a file .env in this directory")
            .code(USAGE)),
    }
}

fn find_key(name: &str) -> Result<Option<(Key, Source)>, Failure> {
    let mut text = String::new();
    // A file that cannot be read holds no key.
    // One that is no file, a pipe for example, would be waited for.
    let is_file = std::fs::metadata(".env").is_ok_and(|data| data.is_file());
    let file = is_file.then(|| std::fs::File::open(".env").ok()).flatten();
    let read = file.map(|file| file.take(ENV_FILE).read_to_string(&mut text));
    let text = matches!(read, Some(Ok(_))).then_some(text.as_str());
    keys::find(name, variable, text).map_err(|problem| Failure::could_not(&problem).code(USAGE))
}
