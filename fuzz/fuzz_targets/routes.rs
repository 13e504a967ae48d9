//! Rules over a client's request: whatever it sends, they end, write no line that is not theirs, and hold a bounded number of bytes.
//!
//! The first bytes choose rules; the rest is a request's head. The same bytes are tried as a pattern and as a value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::requests::{decided, requests};
use muster_haproxy_file::{Source, read};
use muster_routes::{How, Pattern, Template};

/// One for each kind of condition and action.
const RULES: [&str; 32] = [
    "acl api path_beg /api",
    "acl deep path_dir a",
    "acl ends path_end -i .php",
    "acl some path_reg ^/(a|b)+c?$",
    "acl host hdr(host) -i a.example",
    "acl named hdr_dom(host) -i example",
    "acl agent hdr_sub(User-Agent) -i bot",
    "acl slash path_end /",
    "acl agent hdr_beg(User-Agent) m",
    "acl cookie hdr(Cookie) -m found",
    "acl post method POST",
    "acl near src 127.0.0.0/8",
    "http-request deny if { path_sub .. }",
    "http-request deny deny_status 404 if { path /x }",
    "http-request set-header X-Path %[path]",
    "http-request set-header X-Host %[req.hdr(host)]",
    "http-request add-header X-Agent %[req.hdr(User-Agent)]",
    "http-request del-header Cookie",
    "http-request set-header Cookie %[req.hdr(Cookie)]%[req.hdr(Cookie)]",
    "http-request replace-path /(.*)/(.*) /\\2/\\1",
    "http-request replace-path ^(.*)$ /x\\1\\1\\1",
    "http-request set-path /y%[path]",
    "http-request redirect prefix https://b.example if { path_beg /r }",
    "http-request redirect location /z%[path] if { path_beg /l }",
    "http-request redirect scheme https if { path_beg /s }",
    "http-response set-header X-Served-By %[src]",
    "http-response add-header X-A b",
    "http-response del-header Server",
    "http-request return status 200 content-type text/plain string hello if { path /ping }",
    "use_backend other if { path_beg /o }",
    "use_backend other if { hdr(host) -m beg b }",
    "http-request set-path /%[req.hdr(User-Agent)]",
];

fuzz_target!(|data: &[u8]| {
    let Some((chosen, head)) = data.split_first_chunk::<4>() else { return };
    let chosen = u32::from_le_bytes(*chosen);
    let lines: String = (0..32).filter(|n| chosen & (1 << n) != 0).map(|n| format!("  {}\n", RULES[n])).collect();
    let text = format!(
        "defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  option forwardfor\n\
         frontend web\n  bind 127.0.0.1:80\n{lines}  default_backend app\nbackend app\n  server s1 127.0.0.1:81\n\
         backend other\n  server s1 127.0.0.1:82\n"
    );
    let file = read(&[Source { name: "haproxy.cfg", text: &text }], &|_| None).expect("each rule is one");
    requests(head, |head| decided(&file.plan, head));
    if let Ok(text) = std::str::from_utf8(head) {
        let _ = Template::parse(text);
        for pattern in [
            Pattern::glob(text, false).ok(),
            Pattern::regex(text, true).ok(),
            Some(Pattern::new(How::Prefix, text, true)),
        ] {
            pattern.map(|pattern| pattern.matches(head));
        }
    }
});
