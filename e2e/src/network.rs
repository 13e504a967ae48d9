//! A network of a test's own: hosts with a stack each, a router between them that can cut and count, and a hosts file.
//! Nothing outside notices.

use crate::Hosts;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// Set for the half of a test that runs in its own network.
const INSIDE: &str = "MUSTER_E2E_OWN_NETWORK";

/// User, network and mounts of its own; and processes, so that all of them end with it.
const NAMESPACES: [&str; 4] = ["-rnm", "--pid", "--fork", "--kill-child"];

/// What a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traffic {
    /// Datagrams only.
    Udp,
    /// Everything.
    All,
}

/// The network this half of a test runs in.
#[derive(Debug)]
pub struct Network {
    hosts_file: tempfile::NamedTempFile,
    groups: AtomicU8,
}

impl Network {
    /// The network, inside. Outside: runs `test` (its path, without the crate) again in namespaces of its own, checks that
    /// it passed, and returns nothing.
    pub fn own(test: &str) -> Option<Self> {
        if std::env::var_os(INSIDE).is_some() {
            return Some(Self::inside());
        }
        let possible = Command::new("unshare").args(NAMESPACES).args(["nft", "list", "ruleset"]).output();
        if !possible.is_ok_and(|output| output.status.success()) {
            crate::skip("no namespaces (unshare -rnm --pid), or no nft in them");
            return None;
        }
        // Built before: in there is no network to fetch anything from.
        let binary = crate::binary();
        let this = std::env::current_exe().expect("a test knows itself");
        let output = Command::new("unshare")
            .args(NAMESPACES)
            .arg(this)
            .args(["--exact", test, "--nocapture"])
            .env(INSIDE, "1")
            .env("BINARY_UNDER_TEST", binary)
            .output()
            .expect("unshare has just run");
        let said = String::from_utf8_lossy(&output.stdout);
        eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{test} failed in its own network");
        assert!(said.contains("1 passed") || said.contains("skipped:"), "there is no test {test}");
        None
    }

    fn inside() -> Self {
        run("ip", &["link", "set", "lo", "up"]);
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("the router is ours");
        run("nft", &["add table ip e2e; add chain ip e2e router { type filter hook forward priority 0; }"]);
        // Here `ip` keeps its names of namespaces.
        run("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
        let hosts_file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let network = Self { hosts_file, groups: AtomicU8::new(0) };
        network.name("localhost", &[Ipv4Addr::LOCALHOST]);
        run("mount", &["--bind", network.hosts_file.path().to_str().expect("a path of ASCII"), "/etc/hosts"]);
        network
    }

    /// New hosts with these numbers, each with a stack of its own, behind the router.
    pub fn hosts(&self, numbers: impl IntoIterator<Item = u8>) -> Hosts {
        let group = self.groups.fetch_add(1, Ordering::Relaxed);
        let hosts = Hosts::with_own_stacks([10, 77, group]);
        for number in numbers {
            let (ip, router) = (hosts.ip(number).to_string(), hosts.ip(254).to_string());
            let link = format!("to{group}-{number}");
            run("ip", &["netns", "add", &ip]);
            run("ip", &["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &ip]);
            run("ip", &["addr", "add", &router, "dev", &link]);
            run("ip", &["link", "set", &link, "up"]);
            run("ip", &["route", "add", &ip, "dev", &link]);
            run("ip", &["-n", &ip, "link", "set", "lo", "up"]);
            run("ip", &["-n", &ip, "addr", "add", &ip, "dev", "eth0"]);
            run("ip", &["-n", &ip, "link", "set", "eth0", "up"]);
            run("ip", &["-n", &ip, "route", "add", "default", "via", &router, "dev", "eth0", "onlink"]);
        }
        hosts
    }

    /// One network segment that these hosts are on as well, as interface `segment`: there multicast goes, of both families.
    pub fn segment(&self, hosts: &Hosts, numbers: impl IntoIterator<Item = u8>) {
        run("ip", &["link", "add", "segment", "type", "bridge", "mcast_snooping", "0"]);
        run("ip", &["link", "set", "segment", "up"]);
        for number in numbers {
            let (ip, link) = (hosts.ip(number).to_string(), format!("segment-{number}"));
            run("ip", &["link", "add", &link, "type", "veth", "peer", "name", "segment", "netns", &ip]);
            run("ip", &["link", "set", &link, "master", "segment", "up"]);
            // Addresses are usable at once, without asking for a second whether somebody has them.
            let settings =
                "cd /proc/sys/net/ipv6/conf && echo 0 > segment/accept_dad && echo 1 > eth0/disable_ipv6";
            run("nsenter", &[&format!("--net=/run/netns/{ip}"), "sh", "-c", settings]);
            run("ip", &["-n", &ip, "link", "set", "segment", "up"]);
        }
    }

    /// From now on the multicast of this host goes to the segment, if a program names no interface. IPv6 has nowhere else to go.
    pub fn prefer_segment(&self, hosts: &Hosts, number: u8) {
        run("ip", &["-n", &hosts.ip(number).to_string(), "route", "add", "224.0.0.0/4", "dev", "segment"]);
    }

    /// Nothing of `traffic` passes between `ones` and `others` any more.
    pub fn cut(&self, ones: &[Ipv4Addr], others: &[Ipv4Addr], traffic: Traffic) {
        let what = match traffic {
            Traffic::Udp => "meta l4proto udp",
            Traffic::All => "",
        };
        for (from, to) in [(ones, others), (others, ones)] {
            let rule = format!("ip saddr {} ip daddr {} {what} drop", set(from), set(to));
            run("nft", &["add rule ip e2e router", &rule]);
        }
    }

    /// Of everything that passes the router, `percent` is lost.
    pub fn lose(&self, percent: u8) {
        run("nft", &["add rule ip e2e router numgen random mod 100 <", &format!("{percent} drop")]);
    }

    /// Everything passes again.
    pub fn heal(&self) {
        run("nft", &["flush chain ip e2e router"]);
    }

    /// Counts datagrams from `from` to `to` that begin with the byte `first`, under the name `counter`. To be asked for
    /// before a cut.
    pub fn count(&self, counter: &str, from: Ipv4Addr, to: Ipv4Addr, first: u8) {
        run("nft", &["add counter ip e2e", counter]);
        // The first 64 bits are UDP's own header.
        let rule =
            format!("ip saddr {from} ip daddr {to} udp dport 7946 @th,64,8 {first} counter name {counter}");
        run("nft", &["add rule ip e2e router", &rule]);
    }

    /// Counts all datagrams, under the name `counter`.
    pub fn count_all(&self, counter: &str) {
        run("nft", &["add counter ip e2e", counter]);
        run("nft", &["add rule ip e2e router meta l4proto udp counter name", counter]);
    }

    /// What a counter stands at.
    pub fn counted(&self, counter: &str) -> u64 {
        let output = Command::new("nft")
            .args(["--json", "list", "counter", "ip", "e2e", counter])
            .output()
            .expect("nft is installed");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("nft writes JSON");
        let objects = json["nftables"].as_array().expect("a list of objects");
        let packets = objects.iter().find_map(|object| object["counter"]["packets"].as_u64());
        packets.unwrap_or_else(|| panic!("no counter {counter} in {json}"))
    }

    /// The one host name there is from now on, and what it means.
    pub fn name(&self, name: &str, addresses: &[Ipv4Addr]) {
        let lines = addresses.iter().map(|address| format!("{address} {name}\n"));
        // In place: what is mounted is this file, not whatever has its name.
        std::fs::write(self.hosts_file.path(), lines.collect::<String>()).expect("the file is there");
    }
}

fn set(addresses: &[Ipv4Addr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    format!("{{ {} }}", texts.join(", "))
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect("the program is installed");
    assert!(status.success(), "{program} {arguments:?}: {status}");
}
