//! How long a text in a fact may be: names and reasons come from peers.

use muster_control::history::Fact;

/// Bytes of a name, an address or a word.
const NAME_BYTES_MAX: usize = 256;
/// Bytes of a reason.
const WHY_BYTES_MAX: usize = 2048;

/// The fact with no text longer than it may be; one that was cut ends in `...`.
pub(crate) fn bounded(mut fact: Fact) -> Fact {
    for text in [
        &mut fact.kind,
        &mut fact.node,
        &mut fact.service,
        &mut fact.what,
        &mut fact.addr,
        &mut fact.observer,
    ] {
        cut(text, NAME_BYTES_MAX);
    }
    cut(&mut fact.why, WHY_BYTES_MAX);
    fact
}

fn cut(text: &mut String, max: usize) {
    const MARK: &str = "...";
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max - MARK.len()));
        text.push_str(MARK);
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(5000);
        let fact = bounded(Fact { node: long.clone(), why: long, what: "failed".into(), ..Fact::default() });
        assert_eq!(fact.node.len(), 255, "252 bytes of whole characters and the mark");
        assert!(fact.why.len() <= WHY_BYTES_MAX && fact.why.ends_with("é..."));
        assert_eq!(fact.what, "failed");
    }
}
