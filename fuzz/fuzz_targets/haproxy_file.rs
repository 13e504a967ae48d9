//! HAProxy's own file: any text is read, or refused with lines; and what was read decides over requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::requests::{decided, requests};
use muster_haproxy_file::{REFUSALS_MAX, Source, read};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let env = |name: &str| (name.len() < 4).then(|| format!("{name} b"));
    let sources = [Source { name: "haproxy.cfg", text: &text }];
    match read(&sources, &env) {
        Ok(file) => {
            assert_eq!(file.fronts.len(), file.plan.frontends().len());
            assert_eq!(file.backends.len(), file.plan.services().len());
            requests(&[], |head| decided(&file.plan, head));
        }
        Err(refusals) => {
            assert!(!refusals.is_empty() && refusals.len() <= REFUSALS_MAX + 1, "{}", refusals.len());
            for refusal in &refusals {
                let words = refusal.to_string();
                assert!(!words.chars().any(|char| char.is_control()), "{words:?} goes to terminals");
            }
        }
    }
});
