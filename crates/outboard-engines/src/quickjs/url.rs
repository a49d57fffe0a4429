//! WHATWG URLs for guests: the one import that a guest has. Pure, and bounded by what the guest
//! hands over. Talks to the `url` crate; reaches nothing.

use url::{Url, quirks};

/// Carries out one operation on texts from a guest and returns the parts of the resulting URL, each
/// with its length before it; `None` if there is no such URL. The numbers are those of `url.js`.
pub(crate) fn operate(what: u32, input: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = text(input)?;
    let (second, _) = text(rest)?;
    let mut url = if what == 0 {
        let base = if second.is_empty() { None } else { Some(Url::parse(second).ok()?) };
        Url::options().base_url(base.as_ref()).parse(first).ok()?
    } else {
        Url::parse(first).ok()?
    };
    // A setter that refuses leaves the URL as it is, which is what the standard asks for.
    let _ = match what {
        0 => Ok(()),
        2 => quirks::set_protocol(&mut url, second),
        3 => quirks::set_username(&mut url, second),
        4 => quirks::set_password(&mut url, second),
        5 => quirks::set_host(&mut url, second),
        6 => quirks::set_hostname(&mut url, second),
        7 => quirks::set_port(&mut url, second),
        8 => {
            quirks::set_pathname(&mut url, second);
            Ok(())
        }
        9 => {
            quirks::set_search(&mut url, second);
            Ok(())
        }
        10 => {
            quirks::set_hash(&mut url, second);
            Ok(())
        }
        _ => return None,
    };
    let origin = quirks::origin(&url);
    let parts = [
        quirks::href(&url),
        &origin,
        quirks::protocol(&url),
        quirks::username(&url),
        quirks::password(&url),
        quirks::host(&url),
        quirks::hostname(&url),
        quirks::port(&url),
        quirks::pathname(&url),
        quirks::search(&url),
        quirks::hash(&url),
    ];
    let mut out = Vec::new();
    for part in parts {
        out.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
        out.extend(part.as_bytes());
    }
    Some(out)
}

fn text(input: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = input.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
