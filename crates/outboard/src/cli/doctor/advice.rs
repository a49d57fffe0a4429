//! What to do about an upstream that failed, from how it is configured and what is known of why.
//! It guesses from words, so it only ever advises.

use crate::{
    config::{Configured, Transport, secrets},
    report::quoted,
};

/// What to do where nothing is configured.
pub(in crate::cli) const NO_UPSTREAM: &str =
    "outboard import takes over the servers that your MCP clients have; outboard add adds one";

/// What to do about this failure.
pub(super) fn for_failure(configured: &Configured, reason: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    match configured.entry.as_ref().map(|entry| &entry.transport) {
        Err(wrong) => format!("correct the entry in {}: {}", configured.file.display(), wrong.hint),
        Ok(_) if says(&["is not set; set it"]) => {
            "set the variable where the client that starts Outboard finds it, or write the value".to_owned()
        }
        Ok(Transport::Http { .. }) if says(&["401", "403", "Unauthorized", "Forbidden"]) => {
            "it wants a login: put a token in `headers`, for example \"Authorization\": \"Bearer ${TOKEN}\""
                .to_owned()
        }
        Ok(Transport::Http { url, .. }) => {
            let url = secrets::masked_text(url);
            format!("see whether {} is right and can be reached from here", quoted(&url))
        }
        Ok(Transport::OpenApi(api)) => {
            format!(
                "see whether the document {} is right and can be read from here",
                quoted(&secrets::masked_text(&api.document))
            )
        }
        Ok(Transport::Stdio { command, .. }) if says(&["is it installed"]) => {
            format!("install {}, or write its full path as `command`", quoted(command))
        }
        Ok(Transport::Stdio { .. }) => by_hand(configured),
    }
}

/// To see what it says: as written, so that no variable's value is shown, and with what may be secret masked.
pub(super) fn by_hand(configured: &Configured) -> String {
    match configured.entry.as_ref().map(|entry| &entry.transport) {
        Ok(Transport::Stdio { command, args, .. }) => {
            let args = secrets::masked_arguments(args);
            let words: Vec<String> = std::iter::once(command).chain(&args).map(|word| quoted(word)).collect();
            format!("start it by hand to see what it says: {}", words.join(" "))
        }
        Ok(Transport::Http { url, .. }) => {
            format!("see whether {} can be reached from here", quoted(&secrets::masked_text(url)))
        }
        Ok(Transport::OpenApi(api)) => {
            format!("see whether {} can be read from here", quoted(&secrets::masked_text(&api.document)))
        }
        Err(wrong) => format!("correct the entry in {}: {}", configured.file.display(), wrong.hint),
    }
}
