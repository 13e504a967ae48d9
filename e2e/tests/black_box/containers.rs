//! `muster init` and `muster -- COMMAND` as PID 1 of real containers.

use muster_e2e::{Image, docker_is_here, muster_image};

const INIT: &[&str] = &["--entrypoint", "/init"];
const TINI: &[&str] = &["--entrypoint", "/usr/bin/muster"];

#[test]
fn a_container_starts_in_order_and_ends_with_the_code_of_its_command() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/cont-init.d/20-b", "#!/bin/sh\necho init b $(cat /run/s6/container_environment/GREETING)\n"),
        (
            "etc/cont-init.d/10-a",
            "#!/bin/sh\necho init a\nprintf 'hello world' >/run/s6/container_environment/GREETING\n",
        ),
        (
            "etc/services.d/web/run",
            "#!/usr/bin/with-contenv sh\necho \"web: $GREETING\"\ntouch /run/web\nexec sleep 1000\n",
        ),
        ("etc/services.d/web/finish", "#!/bin/sh\necho web finished $1 $2\n"),
        ("etc/cont-finish.d/1-bye", "#!/bin/sh\necho bye\n"),
        ("etc/cont-finish.d/2-bye", "#!/bin/sh\necho bye bye\n"),
        (
            "command.sh",
            "#!/bin/sh\nwhile [ ! -e /run/web ]; do sleep 0.02; done\necho command as $$\nexit 7\n",
        ),
    ]);
    let (code, said) = image.run(INIT, &["/command.sh"]);
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("muster: ")).collect();
    assert_eq!(code, 7, "{said}");
    assert!(lines[3].starts_with("command as "), "{said}");
    let others = [&lines[..3], &lines[4..]].concat();
    assert_eq!(
        others,
        ["init a", "init b hello world", "web: hello world", "web finished 256 15", "bye", "bye bye"]
    );
}

/// Volumes belong to whoever made them; and what is started may depend on the day.
#[test]
fn owners_are_mended_and_a_hook_runs_before_anything_is_read() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/passwd", "root:x:0:0::/:/bin/sh\ndb:x:70:71::/:/bin/sh\n"),
        ("etc/fix-attrs.d/1-db", "# the data\n/data true db 0640 2750\n"),
        ("etc/fix-attrs.d/2-log", "/log/*.txt false nobody-here,5:6 0600 0700\n"),
        ("data/below/table", ""),
        ("log/a.txt", ""),
        ("log/b", ""),
        (
            "etc/cont-init.d/1-look",
            "#!/bin/sh\nstat -c '%n %u:%g %a' /data /data/below/table /log/a.txt /log/b\n",
        ),
        (
            "hook.sh",
            "#!/bin/sh\nprintf '#!/bin/sh\\necho made by %s\\n' $1 >/etc/cont-init.d/2-made\nchmod +x /etc/cont-init.d/2-made\n",
        ),
        ("before.sh", "#!/bin/sh\necho before \"$@\"\n"),
    ]);
    let variables = ["--env", "S6_STAGE2_HOOK=/hook.sh the-hook", "--env", "S6_CMD_ARG0=/before.sh 1"];
    let (code, said) = image.run(&[INIT, &variables].concat(), &["2"]);
    let wanted = "/data 70:71 2750\n/data/below/table 70:71 640\n/log/a.txt 5:6 600\n/log/b 0:0 644\nmade by the-hook\nbefore 1 2";
    assert_eq!((code, said.trim_end()), (0, wanted));
}

#[test]
fn docker_stop_is_enough_whatever_the_services_do() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/deaf/run", "#!/bin/sh\ntrap '' TERM\necho deaf runs\nwhile :; do sleep 1; done\n"),
        (
            "etc/services.d/forks/run",
            "#!/bin/sh\n(trap '' TERM INT HUP; while :; do sleep 1; done) &\necho forks runs\nexec sleep 1000\n",
        ),
        ("etc/services.d/crashes/run", "#!/bin/sh\nexit 1\n"),
        ("etc/services.d/bad-finish/run", "#!/bin/sh\nexec sleep 1000\n"),
        ("etc/services.d/bad-finish/finish", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"),
        ("etc/cont-finish.d/1-bye", "#!/bin/sh\necho bye\n"),
    ]);
    let container = image.start(INIT, &[]);
    container.says("deaf runs");
    container.says("forks runs");
    // 137 would be Docker's KILL after ten seconds.
    assert_eq!(container.stop(), 0, "{}", container.said());
    assert!(container.said().contains("bye"), "{}", container.said());
}

#[test]
fn ten_thousand_orphans_leave_no_zombie() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[(
        "orphans.sh",
        "#!/bin/sh\nn=0\nwhile [ $n -lt 10000 ]; do (true & ) ; n=$((n+1)); done\necho made\nexec sleep 1000\n",
    )]);
    let container = image.start(TINI, &["--", "/orphans.sh"]);
    container.says("made");
    // The last one may be dying just now.
    container.exec_says(&["sh", "-c", "ps -o stat | grep -c Z; echo zombies"], "0\nzombies");
}

#[test]
fn one_command_is_run_as_tini_runs_it() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("plain", "no program"),
        ("crlf", "#!/bin/sh\r\necho\r\n"),
        (
            "listens.sh",
            "#!/bin/sh\ntrap 'echo got HUP' HUP\ntrap 'echo got TERM; exit 9' TERM\necho listens\nwhile :; do sleep 0.05; done\n",
        ),
    ]);
    let code = |command: &[&str]| image.run(TINI, &[&["--"], command].concat());
    assert_eq!(code(&["sh", "-c", "exit 5"]), (5, String::new()));
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]).0, 137);
    assert_eq!(code(&["echo", "-n", "--", "x"]), (0, "-- x".to_owned()));
    let (missing, said) = code(&["no-such-program"]);
    assert!(missing == 127 && said.contains("no-such-program is not there"), "{missing} {said}");
    let (plain, said) = code(&["/plain"]);
    assert!(plain == 126 && said.contains("not executable"), "{plain} {said}");
    let (crlf, said) = code(&["/crlf"]);
    assert!(crlf == 127 && said.contains("Windows line ends"), "{crlf} {said}");

    let container = image.start(TINI, &["--", "/listens.sh"]);
    container.says("listens");
    container.signal("HUP");
    container.says("got HUP");
    assert_eq!(container.stop(), 9);
    let sleeper = image.start(TINI, &["--", "sleep", "1000"]);
    sleeper.exec_says(&["ps"], "sleep 1000");
    assert_eq!(sleeper.stop(), 143);
}

#[test]
fn a_container_without_rights_without_accounts_and_with_nothing_to_write_works() {
    if !docker_is_here() {
        return;
    }
    let image =
        Image::of(&[("etc/services.d/web/run", "#!/bin/sh\necho web as $(id -u)\nexec sleep 1000\n")]);
    let (code, said) = image.run(
        &[INIT, &["--read-only", "--user", "1234:1234", "--cap-drop=ALL"]].concat(),
        &["sh", "-c", "sleep 0.3; exit 3"],
    );
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("web as 1234"), "{said}");
    assert!(said.contains("cannot be controlled from outside"), "what does not work is told: {said}");
}

#[test]
fn a_script_ends_the_container_as_s6_overlays_page_says() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/web/run", "#!/bin/sh\nexit 4\n"),
        (
            "etc/services.d/web/finish",
            "#!/bin/sh\necho $1 >/run/s6-linux-init-container-results/exitcode\nexec /run/s6/basedir/bin/halt\n",
        ),
        ("etc/services.d/other/run", "#!/bin/sh\nexec sleep 1000\n"),
    ]);
    assert_eq!(image.run(INIT, &[]).0, 4);
}

#[test]
fn a_folder_that_is_wrong_starts_nothing_and_is_told() {
    if !docker_is_here() {
        return;
    }
    let rc = "etc/s6-overlay/s6-rc.d";
    let files = [
        (format!("{rc}/a/type"), "oneshot\n"),
        (format!("{rc}/a/dependencies.d/b"), ""),
        (format!("{rc}/b/type"), "oneshot\n"),
        (format!("{rc}/b/dependencies.d/a"), ""),
        ("etc/s6-overlay/user-bundles.d/user/contents.d/a".to_owned(), ""),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let (code, said) = Image::of(&files).run(INIT, &["echo", "started"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("in a circle: a -> b -> a") && !said.contains("started"), "{said}");
}

#[test]
fn services_of_s6_rc_start_by_their_dependencies() {
    if !docker_is_here() {
        return;
    }
    let rc = "etc/s6-overlay/s6-rc.d";
    let files = [
        (format!("{rc}/app/type"), "longrun\n"),
        (format!("{rc}/app/run"), "#!/bin/sh\necho app; touch /run/app; exec sleep 1000\n"),
        (format!("{rc}/app/dependencies.d/migrate"), ""),
        (format!("{rc}/migrate/type"), "oneshot\n"),
        (format!("{rc}/migrate/up"), "# a line of execline\n/scripts/migrate \"with spaces\"\n"),
        (format!("{rc}/migrate/down"), "echo down\n"),
        (format!("{rc}/migrate/dependencies.d/db"), ""),
        (format!("{rc}/db/type"), "longrun\n"),
        (format!("{rc}/db/notification-fd"), "3\n"),
        (format!("{rc}/db/run"), "#!/bin/sh\nsleep 0.3; echo db; echo >&3; exec sleep 1000\n"),
        ("scripts/migrate".to_owned(), "#!/bin/sh\necho \"migrate $1\"\n"),
        ("etc/s6-overlay/user-bundles.d/user/contents.d/app".to_owned(), ""),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let (code, said) =
        Image::of(&files).run(INIT, &["sh", "-c", "while [ ! -e /run/app ]; do sleep 0.02; done"]);
    assert_eq!((code, &*said), (0, "db\nmigrate with spaces\napp\ndown\n"));
}

/// Of `docker/Dockerfile`: it has nothing but Muster, no account and no shell.
#[test]
fn the_image_of_muster_runs_a_healthy_node_as_any_user_and_writes_nothing() {
    if !docker_is_here() {
        return;
    }
    let image = muster_image();
    let places = ["--tmpfs", "/run/muster:mode=1777", "--tmpfs", "/run/service:mode=1777"];
    let bare = ["--read-only", "--user", "1234:1234", "--cap-drop=ALL"];
    let node = image.start(&[&bare[..], &places].concat(), &["run", "--", "muster", "demo", "backend"]);
    node.is_healthy();
    assert_eq!(node.stop(), 0, "{}", node.said());
    let (code, said) = image.run(&["--entrypoint", "/usr/bin/serf"], &["version"]);
    assert!(code == 0 && said.contains("Muster"), "it answers to its other names, too: {code} {said}");
}
