//! `/etc/hosts`, hosts(5).

use std::net::IpAddr;

/// The addresses the file's text gives `name`, in its order.
pub(super) fn lookup<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = IpAddr> + 'a {
    let name = name.trim_end_matches('.');
    text.lines().filter_map(move |line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        words.any(|alias| alias.eq_ignore_ascii_case(name)).then_some(ip)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str = "\
127.0.0.1\tlocalhost
::1 localhost ip6-localhost
# 10.0.0.9 web
10.0.0.1 web.example.org Web  # web2
10.0.0.2   web
not-an-address web
fe80::1%eth0 web
";

    fn found(name: &str) -> Vec<String> {
        lookup(HOSTS, name).map(|ip| ip.to_string()).collect()
    }

    #[test]
    fn every_line_with_the_name_counts_in_any_case() {
        assert_eq!(found("web"), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(found("WEB.example.org."), ["10.0.0.1"]);
        assert_eq!(found("localhost"), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn comments_and_parts_of_names_do_not_count() {
        assert_eq!(found("web2"), [""; 0]);
        assert_eq!(found("example.org"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }
}
