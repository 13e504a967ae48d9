//! Replies as HAProxy 2.6.12 gave them, shortened where that changes nothing.

use super::*;

const STATES: &str = "1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status
3 b 1 s1 127.0.0.1 0 0 10 10 2 8
3 b 2 s2 127.0.0.1 0 1 1 1 2 8
3 b 3 s7 127.0.0.1 1 8 20 1 0 1

";

#[test]
fn what_an_operator_set_by_hand_is_seen() {
    let states = server_states(STATES);
    let by_hand: Vec<_> = states
        .iter()
        .map(|state| {
            let texts: Vec<_> = state.by_hand(Some(1)).into_iter().map(|command| command.text).collect();
            alloc::format!("{}: {}", state.name, texts.join("; "))
        })
        .collect();
    assert_eq!(
        by_hand,
        [
            "b/s1: set server b/s1 weight 10",
            "b/s2: set server b/s2 state maint",
            "b/s7: set server b/s7 state drain; set server b/s7 weight 20",
        ]
    );
}

#[test]
fn sessions_are_counted_per_server() {
    let text = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,econ,eresp,status,last_chk,
f,FRONTEND,,,3,3,9978,9,,,OPEN,,
b,s1,1,1,2,2,,40,3,4,UP,\"Layer7 OK, \"\"fine\"\"\",
b,s2,0,0,0,0,,0,0,0,no check,,
b,BACKEND,0,0,0,0,998,0,0,0,UP,,

";
    let loads = loads(text);
    assert_eq!(loads.len(), 2);
    let one = &loads[0];
    assert_eq!(
        (one.name.to_string(), one.in_flight, one.requests, one.failures, one.status.as_str()),
        ("b/s1".to_string(), 3, 40, 7, "UP")
    );
    assert_eq!(one.check.as_deref(), Some("Layer7 OK, \"fine\""));
    assert_eq!((loads[1].status.as_str(), &loads[1].check), ("no check", &None));
}

#[test]
fn processes_are_told_apart() {
    let text = "#<PID>          <type>          <reloads>       <uptime>        <version>      \n\
                29136           master          4 [failed: 1]   0d00h02m07s     2.6.12-1+deb12u4\n\
                # workers\n\
                11948           worker          1               0d00h00m02s     2.6.12-1+deb12u4\n\
                # old workers\n\
                11859           worker          2               0d00h00m09s     2.6.12-1+deb12u4\n\
                # programs\n\n";
    let found = processes(text);
    assert_eq!(found.failed, Some(1));
    assert_eq!(
        (found.workers, found.old_workers),
        (vec![Process { pid: 11948 }], vec![Process { pid: 11859 }])
    );
}

#[test]
fn a_failed_reload_is_seen_in_the_processes_of_any_version() {
    // 2.2, before a reload, after one, and after one that failed.
    let table = |reloads: u8, workers: &str| {
        processes(&alloc::format!(
            "#<PID>  <type>  <relative PID>  <reloads>  <uptime>  <version>\n28807 master 0 {reloads} 0d00h00m01s 2.2.9\n# workers\n{workers}"
        ))
    };
    let (before, after) = (table(0, "28811 worker 1 0 0d 2.2.9\n"), table(1, "28855 worker 1 0 0d 2.2.9\n"));
    let failed = table(2, "# old workers\n28855 worker [was: 1] 1 0d00h00m02s 2.2.9-2\n");
    assert_eq!((after.reloads, failed.old_workers.len()), (Some(1), 1));
    assert!(!after.failed_since(&before) && failed.failed_since(&after) && !before.failed_since(&before));
    // 2.6.
    let count = |failed: u8| processes(&alloc::format!("1 master 4 [failed: {failed}] 0d 2.6\n"));
    assert!(count(1).failed_since(&count(0)) && !count(1).failed_since(&count(1)));
}

#[test]
fn sessions_of_an_old_worker_are_counted_by_server() {
    let line = |be: &str, srv: &str| {
        alloc::format!(
            "0x5561f2c0: proto=tcpv4 src=127.0.0.1:4712 fe=f be={be} srv={srv} ts=00 epoch=0x1 age=1s calls=2\n"
        )
    };
    let text = alloc::format!("{}{}{}\n", line("b", "s1"), line("b", "s1"), line("<NONE>", "<none>"));
    let found: Vec<_> =
        sessions(&text).into_iter().map(|(name, count)| alloc::format!("{name} {count}")).collect();
    assert_eq!(found, ["b/s1 2"]);
}

#[test]
fn the_process_that_answers_is_known() {
    let text = "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nRelease_date: 2026/10/17\nPid: 28135\nUptime: 0d\nUptime_sec: 7\n";
    assert_eq!(info(text), Some(Info { pid: 28135, uptime_s: 7, version: (2, 6) }));
    assert_eq!(info("Unknown command"), None);
}

#[test]
fn a_failed_reload_is_told_with_its_words() {
    assert_eq!(refusal("Success=1\n--\n"), None);
    assert_eq!(refusal("\n"), None);
    assert_eq!(refusal("Success=0\n--\n[ALERT] line 3: no\n\n").as_deref(), Some("[ALERT] line 3: no"));
}

proptest::proptest! {
    #[test]
    fn any_answer_can_be_read(text in "(# |be_name |srv_name |srv_admin_state |srv_uweight |srv_iweight |pxname,|svname,|\"|,|[0-9]{1,12}|worker |\n|[ -~]){0,80}") {
        info(&text);
        server_states(&text).iter().for_each(|state| drop(state.by_hand(Some(1))));
        loads(&text);
        processes(&text);
        sessions(&text);
        refusal(&text);
    }
}
