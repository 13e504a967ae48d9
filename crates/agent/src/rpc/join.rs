//! Joining on request, and its errors as Go's multierror writes them, which clients print as they are.

use crate::join::{Joiner, SEEDS_AT_ONCE};
use crate::plain::Plain;
use crate::seed::{Host, Seed};
use futures_util::{StreamExt, stream};

/// Addresses in one request.
const ADDRESSES_MAX: usize = 256;

/// How many answered; and if none did, why not. As in Serf, whoever is reached at all makes it a success.
pub(super) async fn join(joiner: &Joiner, addresses: &[&str], replay: bool) -> (i32, String) {
    if addresses.len() > ADDRESSES_MAX {
        return (0, format!("more than {ADDRESSES_MAX} addresses to join"));
    }
    let tries: Vec<_> = addresses.iter().map(|text| join_one(joiner, text, replay)).collect();
    let results: Vec<_> = stream::iter(tries).buffered(SEEDS_AT_ONCE).collect().await;
    let joined: usize = results.iter().filter_map(|result| result.as_ref().ok()).sum();
    let errors: Vec<String> = results.into_iter().filter_map(Result::err).flatten().collect();
    let error = if joined > 0 { String::new() } else { several(&errors) };
    (i32::try_from(joined).unwrap_or(i32::MAX), error)
}

async fn join_one(joiner: &Joiner, text: &str, replay: bool) -> Result<usize, Vec<String>> {
    let seed = Seed::parse(text).map_err(|error| vec![format!("Failed to resolve {text}: {error}")])?;
    let tried = joiner.try_seed(&seed, replay).await;
    // Joining oneself works, as it does with Serf.
    match tried.joined.len() + usize::from(tried.ourselves) {
        0 if tried.unresolved => Err(tried
            .failures
            .iter()
            .map(|why| format!("Failed to resolve {}: {}", host(&seed), Plain(why)))
            .collect()),
        0 => Err(tried
            .failures
            .iter()
            .map(|why| format!("Failed to join {}: {}", host(&seed), Plain(&dialled(why))))
            .collect()),
        joined => Ok(joined),
    }
}

/// Serf names the host without its port, which the reason has.
fn host(seed: &Seed) -> String {
    match &seed.host {
        Host::Ip(ip) => ip.to_string(),
        Host::Name(name) => name.clone(),
    }
}

/// Our words for a connection that could not be made, in those of Go's `net.OpError`.
fn dialled(why: &str) -> String {
    let refused = why.strip_prefix("cannot connect to ").and_then(|rest| rest.split_once(": "));
    match (refused, why.strip_suffix(" did not answer in time")) {
        (Some((address, cause)), _) => format!("dial tcp {address}: connect: {cause}"),
        (None, Some(address)) => format!("dial tcp {address}: i/o timeout"),
        (None, None) => why.to_owned(),
    }
}

/// Errors in one text (go-multierror, `ListFormatFunc`).
fn several(errors: &[String]) -> String {
    match errors {
        [] => String::new(),
        [error] => format!("1 error occurred:\n\t* {error}\n\n"),
        errors => format!("{} errors occurred:\n\t* {}\n\n", errors.len(), errors.join("\n\t* ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fail_in_gos_words() {
        let go = "dial tcp [::1]:77: connect: connection refused";
        assert_eq!(dialled("cannot connect to [::1]:77: connection refused"), go);
        assert_eq!(dialled("127.0.0.1:7 did not answer in time"), "dial tcp 127.0.0.1:7: i/o timeout");
        assert_eq!(dialled("the labels differ"), "the labels differ");
    }

    #[test]
    fn errors_are_listed_as_go_lists_them() {
        let errors = ["a".to_owned(), "b".to_owned()];
        assert_eq!(several(&[]), "");
        assert_eq!(several(&errors[..1]), "1 error occurred:\n\t* a\n\n");
        assert_eq!(several(&errors), "2 errors occurred:\n\t* a\n\t* b\n\n");
    }
}
