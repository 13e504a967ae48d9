use super::*;

const PACE: Pace =
    Pace { settle: ms(50), settle_max: ms(500), retry: ms(1000), retry_max: Duration::from_secs(30) };

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const LIVE: Input = Input::Changed { is_live: true };
const MAKE: Option<Step> = Some(Step::Make { only_missing: false });

/// A group that has once made its files.
fn settled(has_check: bool, has_action: bool) -> Group {
    let mut group = Group::new(PACE, has_check, has_action, false);
    group.handle(ms(0), LIVE);
    assert_eq!(group.next_step(ms(0)), MAKE);
    group.handle(ms(0), Input::Made(Made::Same));
    assert_eq!((group.next_step(ms(0)), group.next_timeout()), (None, None));
    group
}

/// Follows a change to its end, answering each step with what `answers` has for it.
fn steps(group: &mut Group, now: Duration, answers: &[Input]) -> Vec<Step> {
    let mut seen = Vec::new();
    let mut answers = answers.iter();
    while let Some(step) = group.next_step(now) {
        seen.push(step);
        if step != Step::Keep {
            group.handle(now, *answers.next().expect("an answer for each step"));
        }
    }
    assert_eq!(answers.next(), None);
    seen
}

#[test]
fn a_change_goes_through_check_and_action_in_order() {
    let mut group = settled(true, true);
    group.handle(ms(1000), LIVE);
    assert_eq!(group.next_step(ms(1000)), None, "others may follow");
    assert_eq!(group.next_timeout(), Some(ms(1050)));
    let answers = [Input::Made(Made::Differs), Input::Checked(true), Input::Put(true), Input::Acted(true)];
    let seen = steps(&mut group, ms(1050), &answers);
    let make = Step::Make { only_missing: false };
    assert_eq!(seen, [make, Step::Check, Step::Put, Step::Act, Step::Keep]);
    assert_eq!(group.counts(), Counts { made: 2, changed: 1, failed: 0, restored: 0 });
    assert_eq!(group.next_timeout(), None);
}

#[test]
fn what_is_there_already_is_not_touched_and_nobody_is_told() {
    let mut group = settled(true, true);
    group.handle(ms(1000), LIVE);
    let seen = steps(&mut group, ms(1050), &[Input::Made(Made::Same)]);
    assert_eq!(seen, [Step::Make { only_missing: false }]);
    assert_eq!(group.counts().changed, 0);
}

#[test]
fn changes_in_a_row_are_one_and_do_not_put_it_off_for_ever() {
    let mut group = settled(false, false);
    for at in (1000..1500).step_by(10) {
        group.handle(ms(at), LIVE);
        assert_eq!(group.next_step(ms(at)), None, "at {at}");
    }
    assert_eq!(group.next_step(ms(1499)), None);
    assert_eq!(group.next_step(ms(1500)), MAKE);
}

#[test]
fn what_changes_meanwhile_is_made_afterwards() {
    let mut group = settled(false, true);
    group.handle(ms(1000), LIVE);
    assert_eq!(group.next_step(ms(1050)), MAKE);
    group.handle(ms(1060), LIVE);
    assert_eq!(group.next_step(ms(9999)), None, "one at a time");
    group.handle(ms(1070), Input::Made(Made::Differs));
    let seen = steps(&mut group, ms(1080), &[Input::Put(true), Input::Acted(true)]);
    assert_eq!(seen, [Step::Put, Step::Act, Step::Keep]);
    assert_eq!(group.next_timeout(), Some(ms(1130)));
    assert_eq!(group.next_step(ms(1130)), MAKE);
}

#[test]
fn the_first_picture_and_the_first_whole_one_are_not_waited_with() {
    let mut group = Group::new(PACE, false, false, false);
    group.handle(ms(3), Input::Changed { is_live: false });
    assert_eq!(group.next_step(ms(3)), Some(Step::Make { only_missing: true }));
    group.handle(ms(4), Input::Made(Made::Same));
    group.handle(ms(5), Input::Changed { is_live: false });
    assert_eq!(group.next_step(ms(5)), None);
    group.handle(ms(20), LIVE);
    assert_eq!(group.next_step(ms(20)), MAKE);
}

#[test]
fn refused_files_are_never_put_and_tried_again_after_longer_and_longer_pauses() {
    let mut group = settled(true, true);
    group.handle(ms(0), LIVE);
    let mut now = ms(50);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let seen = steps(&mut group, now, &[Input::Made(Made::Differs), Input::Checked(false)]);
        assert_eq!(seen, [Step::Make { only_missing: false }, Step::Check]);
        assert!(group.is_failing());
        // Changes do not make it faster.
        group.handle(now, LIVE);
        let until = group.next_timeout().unwrap();
        pauses.push((until - now).as_secs());
        now = until;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    steps(
        &mut group,
        now,
        &[Input::Made(Made::Differs), Input::Checked(true), Input::Put(true), Input::Acted(true)],
    );
    assert!(!group.is_failing());
    assert_eq!(group.counts(), Counts { made: 10, changed: 1, failed: 8, restored: 0 });
}

#[test]
fn a_mended_template_is_tried_at_once() {
    let mut group = settled(true, true);
    group.handle(ms(0), LIVE);
    steps(&mut group, ms(50), &[Input::Made(Made::Failed)]);
    assert_eq!(group.next_timeout(), Some(ms(1050)));
    group.handle(ms(100), Input::Edited);
    assert_eq!(group.next_timeout(), Some(ms(150)));
}

#[test]
fn after_a_failed_action_the_old_files_are_in_force_again() {
    let mut group = settled(false, true);
    group.handle(ms(0), LIVE);
    let answers = [Input::Made(Made::Differs), Input::Put(true), Input::Acted(false), Input::Restored(true)];
    let seen = steps(&mut group, ms(50), &answers);
    assert_eq!(seen[1..], [Step::Put, Step::Act, Step::Restore]);
    assert_eq!(group.counts(), Counts { made: 2, changed: 0, failed: 1, restored: 1 });
    // Back at what was there, nobody is owed anything.
    let seen = steps(&mut group, ms(1050), &[Input::Made(Made::Same)]);
    assert_eq!(seen, [Step::Make { only_missing: false }]);
}

#[test]
fn an_action_that_could_not_be_undone_is_tried_again_although_the_files_are_there() {
    let mut group = settled(false, true);
    group.handle(ms(0), LIVE);
    let answers = [Input::Made(Made::Differs), Input::Put(true), Input::Acted(false), Input::Restored(false)];
    steps(&mut group, ms(50), &answers);
    let seen = steps(&mut group, ms(1050), &[Input::Made(Made::Same), Input::Acted(true)]);
    assert_eq!(seen[1..], [Step::Act, Step::Keep]);
}

#[test]
fn an_action_that_is_owed_does_not_wait_for_the_whole_fleet() {
    let mut group = Group::new(PACE, false, true, true);
    group.handle(ms(0), Input::Changed { is_live: false });
    let seen = steps(&mut group, ms(0), &[Input::Made(Made::Same), Input::Acted(true)]);
    assert_eq!(seen, [Step::Make { only_missing: true }, Step::Act, Step::Keep]);
    group.handle(ms(9), LIVE);
    let seen = steps(&mut group, ms(9), &[Input::Made(Made::Same)]);
    assert_eq!(seen, [Step::Make { only_missing: false }]);
}

#[test]
fn a_reader_that_was_started_anew_is_told_of_files_that_are_there() {
    let mut group = settled(false, true);
    group.handle(ms(10), Input::Forgotten);
    let seen = steps(&mut group, ms(10), &[Input::Made(Made::Same), Input::Acted(true)]);
    assert_eq!(seen, [Step::Make { only_missing: false }, Step::Act, Step::Keep]);
}

/// Whatever happens in whatever order: one step at a time, nothing put unchecked, and no standstill with work left.
#[test]
fn no_order_of_things_breaks_it() {
    for seed in 0..2000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (has_check, has_action) = (random.bool(), random.bool());
        let mut group = Group::new(PACE, has_check, has_action, random.bool());
        let mut now = ms(0);
        let mut open: Option<Step> = None;
        let mut checked = false;
        for _ in 0..200 {
            now += ms(random.u64(0..40));
            if random.u8(0..3) == 0 {
                group.handle(now, if random.u8(0..5) == 0 { Input::Edited } else { LIVE });
            }
            if let Some(step) = open {
                if random.bool() {
                    continue;
                }
                let good = random.u8(0..4) > 0;
                checked = matches!(step, Step::Check) && good;
                group.handle(
                    now,
                    match step {
                        Step::Make { .. } => Input::Made(match (good, random.bool()) {
                            (false, _) => Made::Failed,
                            (true, true) => Made::Differs,
                            (true, false) => Made::Same,
                        }),
                        Step::Check => Input::Checked(good),
                        Step::Put => Input::Put(good),
                        Step::Act => Input::Acted(good),
                        Step::Restore => Input::Restored(good),
                        Step::Keep => unreachable!("answers nothing"),
                    },
                );
                open = None;
            }
            while open.is_none() {
                let Some(step) = group.next_step(now) else { break };
                if step == Step::Put {
                    assert!(checked || !has_check, "seed {seed}: put unchecked");
                }
                assert!(has_check || step != Step::Check);
                assert!(has_action || !matches!(step, Step::Act | Step::Restore));
                open = (step != Step::Keep).then_some(step);
            }
        }
        // Everything goes well from now on.
        group.handle(now, LIVE);
        for _ in 0..20 {
            let answer = match open.take().or_else(|| group.next_step(now)) {
                Some(Step::Make { .. }) => Input::Made(Made::Same),
                Some(Step::Check) => Input::Checked(true),
                Some(Step::Put) => Input::Put(true),
                Some(Step::Act) => Input::Acted(true),
                Some(Step::Restore) => Input::Restored(true),
                Some(Step::Keep) => continue,
                None => match group.next_timeout() {
                    Some(at) => {
                        now = now.max(at);
                        continue;
                    }
                    None => break,
                },
            };
            group.handle(now, answer);
        }
        assert!(!group.is_failing() && group.next_timeout().is_none(), "seed {seed}: stands still");
    }
}
