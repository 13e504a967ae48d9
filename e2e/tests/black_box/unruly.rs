//! Services and surroundings that do what they should not, in real containers: PID 1 goes on, says what is wrong, and ends in time.

use muster_e2e::{Image, docker_is_here};

const INIT: &[&str] = &["--entrypoint", "/init"];

#[test]
fn a_service_that_closes_all_its_files_or_floods_its_output_disturbs_nobody() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/closes/run", "#!/bin/sh\nexec 0<&- 1>&- 2>&- 3>&- 4>&- 5>&-\nexec sleep 1000\n"),
        ("etc/services.d/closes/notification-fd", "3\n"),
        (
            "etc/services.d/floods/run",
            "#!/bin/sh\nn=0\nwhile [ $n -lt 200000 ]; do echo a long line of no interest to anybody; n=$((n+1)); done\nexec sleep 1000\n",
        ),
        ("etc/services.d/quiet/run", "#!/bin/sh\necho quiet runs\nexec sleep 1000\n"),
    ]);
    let container = image.start(INIT, &[]);
    container.exec_says(&["s6-svstat", "-o", "up", "/run/service/quiet"], "true");
    container.exec_says(&["s6-svstat", "-o", "up,ready", "/run/service/closes"], "true false");
    assert_eq!(container.stop(), 0);
}

/// Nobody reads what PID 1 says, and there is no room for it.
#[test]
fn a_full_standard_error_is_not_waited_for() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let full = writer.try_clone().expect("the same");
    rustix::io::ioctl_fionbio(&full, true).expect("it can be told not to wait");
    let mut filling = &full;
    while std::io::Write::write(&mut filling, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).expect("and to wait again");
    let mut child = std::process::Command::new(muster_e2e::binary())
        .args(["--", "/no/such/program"])
        .stderr(writer)
        .spawn()
        .expect("the binary runs");
    let began = std::time::Instant::now();
    let status = loop {
        match child.try_wait().expect("it is ours") {
            Some(status) => break status,
            None if began.elapsed() > muster_e2e::PATIENCE => {
                let _ = child.kill();
                panic!("it waits for a reader");
            }
            None => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    };
    assert_eq!(status.code(), Some(127));
    drop(reader);
}

#[test]
fn a_folder_that_is_half_written_starts_nothing_and_says_what_is_missing() {
    if !docker_is_here() {
        return;
    }
    for (file, text, says) in [
        ("etc/services.d/half/finish", "#!/bin/sh\n", "/etc/services.d/half: there is no file `run`"),
        ("etc/services.d/good/timeout-kill", "12 monkeys\n", "timeout-kill: \"12 monkeys\" is no number"),
        ("etc/s6-overlay/s6-rc.d/half/type", "long", "\"long\" is not longrun, oneshot or bundle"),
        ("etc/s6-overlay/s6-rc.d/user/contents.d/missing", "", "names \"missing\", which is not there"),
    ] {
        let image = Image::of(&[
            ("etc/services.d/good/run", "#!/bin/sh\necho good runs\nexec sleep 1000\n"),
            ("etc/s6-overlay/s6-rc.d/user/type", "bundle\n"),
            (file, text),
        ]);
        let (code, said) = image.run(INIT, &[]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says) && !said.contains("good runs"), "{says}: {said}");
    }
}

#[test]
fn a_run_that_is_empty_or_a_link_to_nowhere_is_told_and_the_others_run() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/empty/run", ""),
        ("etc/services.d/good/run", "#!/bin/sh\necho good runs\nexec sleep 1000\n"),
    ]);
    let container = image.start(INIT, &[]);
    container.says("good runs");
    container.says("empty cannot be started");
    assert_eq!(container.stop(), 0);
}

/// All state that PID 1 writes is for watchers; what cannot be written costs them their news, and nothing else.
#[test]
fn on_a_full_disk_services_are_started_stopped_and_commanded_as_ever() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/web/run", "#!/bin/sh\necho web begins\nexec sleep 1000\n"),
        ("fill.sh", "#!/bin/sh\ncat /dev/zero >/run/fill 2>/dev/null\necho the disk is full\n"),
    ]);
    let container = image.start(&[INIT, &["--tmpfs", "/run:size=256k"]].concat(), &[]);
    container.exec_says(&["s6-svstat", "-o", "up", "/run/service/web"], "true");
    container.exec_says(&["/fill.sh"], "the disk is full");
    container.exec(&["s6-svc", "-k", "/run/service/web"]);
    container.says("web begins\nweb begins");
    container.says("the status of web cannot be written");
    container.exec(&["s6-svc", "-d", "/run/service/web"]);
    container.exec_says(&["sh", "-c", "ps -o args | grep -c ^sleep; echo sleepers"], "0\nsleepers");
    container.exec(&["rm", "/run/fill"]);
    container.exec(&["s6-svc", "-u", "/run/service/web"]);
    container.exec_says(&["s6-svstat", "-o", "up", "/run/service/web"], "true");
    assert_eq!(container.stop(), 0);
}

#[test]
fn a_watcher_that_never_reads_holds_up_nobody() {
    if !docker_is_here() {
        return;
    }
    let image = Image::of(&[
        ("etc/services.d/web/run", "#!/bin/sh\necho web begins\nexec sleep 1000\n"),
        // Open for reading, never read: each letter stays in the pipe until it is full.
        (
            "deaf.sh",
            "#!/bin/sh\nexec 3<>/run/service/web/event/ftrig1@deaf\necho deaf watches\nexec sleep 1000\n",
        ),
        (
            "many.sh",
            "#!/bin/sh\nn=0\nwhile [ $n -lt 300 ]; do s6-svc -r /run/service/web; n=$((n+1)); done\necho asked\n",
        ),
    ]);
    let container = image.start(INIT, &[]);
    container.exec_says(&["s6-svstat", "-o", "up", "/run/service/web"], "true");
    let fill = "mkfifo /run/service/web/event/ftrig1@deaf; (/deaf.sh &); sleep 0.2; \
                (while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done >/run/service/web/event/ftrig1@deaf &) ; echo filling";
    container.exec_says(&["sh", "-c", fill], "filling");
    container.exec_says(&["/many.sh"], "asked");
    container.exec(&["s6-svc", "-d", "/run/service/web"]);
    container.exec_says(&["s6-svstat", "-o", "up", "/run/service/web"], "false");
    assert_eq!(container.stop(), 0);
}
