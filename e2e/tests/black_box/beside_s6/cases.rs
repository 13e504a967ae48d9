//! Behaviours of a supervised service that scripts rely on.

/// One of them.
pub(super) struct Case {
    /// What is so.
    pub(super) fact: &'static str,
    /// The service's folder.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// What is done to it and printed, with s6's own tools; see the prelude.
    pub(super) script: &'static str,
}

/// Runs for ever, and says that it was started.
const PATIENT: &str = "#!/bin/sh\necho started >>$LOG\nexec sleep 1000\n";
/// Ends with the code in the file `code` beside it, one time; then runs for ever.
const ENDS_ONCE: &str =
    "#!/bin/sh\necho started >>$LOG\n[ -e $LOG.again ] && exec sleep 1000\n: >$LOG.again\nexit 3\n";
/// Says which signals it gets.
const LISTENER: &str = "#!/bin/sh\nfor s in ALRM ABRT QUIT HUP TERM INT USR1 USR2 WINCH; do trap \"echo got $s >>$LOG\" $s; done\necho started >>$LOG\nwhile :; do sleep 0.02; done\n";
/// Does not end when asked.
const DEAF: &str = "#!/bin/sh\ntrap '' TERM\necho started >>$LOG\nwhile :; do sleep 0.02; done\n";
/// Tells what it was told.
const FINISH: &str = "#!/bin/sh\necho finish $1 $2 $3 >>$LOG\n";
/// A finish that lasts until somebody lets it end.
const SLOW_FINISH: &str = "#!/bin/sh\necho finishing >>$LOG\nwhile [ ! -e $LOG.end ]; do sleep 0.02; done\n";

const fn signal(fact: &'static str, script: &'static str) -> Case {
    Case { fact, files: &[("run", LISTENER)], script }
}

pub(super) const CASES: &[Case] = &[
    Case {
        fact: "a service runs in its own folder, which it can tell from its name",
        files: &[("run", "#!/bin/sh\necho \"$1 in $(basename $PWD)\" >>$LOG\nexec sleep 1000\n")],
        script: "logged ' in '; cat $LOG",
    },
    Case {
        fact: "it leads a session and a process group of its own",
        files: &[(
            "run",
            "#!/bin/sh\nset -- $(cat /proc/self/stat | cut -d' ' -f5,6)\n[ $1 = $$ ] && [ $2 = $$ ] && echo leads >>$LOG\nexec sleep 1000\n",
        )],
        script: "logged leads; cat $LOG",
    },
    Case {
        fact: "its standard input has nothing to read",
        files: &[("run", "#!/bin/sh\necho \"read: $(cat)\" >>$LOG\nexec sleep 1000\n")],
        script: "logged read; cat $LOG",
    },
    Case {
        fact: "no signal is blocked or ignored in it",
        files: &[("run", "#!/bin/sh\ngrep -E 'SigBlk|SigIgn' /proc/self/status >>$LOG\nexec sleep 1000\n")],
        script: "logged SigIgn; cat $LOG",
    },
    Case {
        fact: "it has no file of its supervisor's open",
        files: &[(
            "run",
            "#!/bin/sh\nls /proc/self/fd | tr '\\n' ' ' >>$LOG\necho done >>$LOG\nexec sleep 1000\n",
        )],
        script: "logged done; cat $LOG",
    },
    Case {
        fact: "up is what it is",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svwait -u $PLACE; stat",
    },
    Case {
        fact: "one that ends is started again",
        files: &[("run", ENDS_ONCE)],
        script: "eventually 'often started 2'; eventually 'stat | grep -q ^true'; stat",
    },
    Case {
        fact: "finish is told the exit code, that there was no signal, and the name",
        files: &[("run", ENDS_ONCE), ("finish", FINISH)],
        script: "eventually 'often started 2'; grep finish $LOG",
    },
    Case {
        fact: "finish is told a signal as 256 and its number",
        files: &[("run", PATIENT), ("finish", FINISH)],
        script: "logged started; s6-svc -k $PLACE; eventually 'often started 2'; grep finish $LOG",
    },
    Case {
        fact: "with a file `down` it is not started",
        files: &[("run", PATIENT), ("down", "")],
        script: "stat | cut -d' ' -f1,2; s6-svc -u -wu $PLACE; logged started; stat | cut -d' ' -f1,2",
    },
    Case {
        fact: "told down, it gets TERM and stays down",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svc -d -wD $PLACE; stat; cat $LOG",
    },
    Case {
        fact: "how long it is down is told to people",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svc -d -wD $PLACE; s6-svstat $PLACE | sed 's/[0-9]* seconds/N seconds/g'",
    },
    Case {
        fact: "how long it is up is told to people",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svwait -u $PLACE; s6-svstat $PLACE | sed 's/[0-9]* seconds/N seconds/g; s/pid [0-9]*/pid N/'",
    },
    Case {
        fact: "told down, it gets another signal if the folder says so",
        files: &[("run", LISTENER), ("down-signal", "USR2\n")],
        script: "logged started; s6-svc -d $PLACE; logged 'got USR2'; s6-svc -k -wD $PLACE; cat $LOG",
    },
    Case {
        fact: "a signal may be given by its number",
        files: &[("run", LISTENER), ("down-signal", "1")],
        script: "logged started; s6-svc -d $PLACE; logged 'got HUP'; s6-svc -k -wD $PLACE; cat $LOG",
    },
    Case {
        fact: "a deaf one is killed when the folder limits its time",
        files: &[("run", DEAF), ("timeout-kill", "100")],
        script: "logged started; s6-svc -d -wD $PLACE; stat",
    },
    Case {
        fact: "a deaf one without a limit goes on, and is not wanted",
        files: &[("run", DEAF)],
        script: "logged started; s6-svc -d $PLACE; eventually 'stat | grep -q \"^true false\"'; stat; s6-svc -k -wD $PLACE; stat",
    },
    Case {
        fact: "a finish that takes too long is killed, and the service started again",
        files: &[("run", ENDS_ONCE), ("finish", "#!/bin/sh\nexec sleep 1000\n"), ("timeout-finish", "100")],
        script: "eventually 'often started 2'; eventually 'stat | grep -q ^true'; stat",
    },
    Case {
        fact: "a finish that ends with 125 says never again",
        files: &[("run", ENDS_ONCE), ("finish", "#!/bin/sh\nexit 125\n")],
        script: "s6-svwait -D $PLACE; eventually 'stat | grep -q \"^false false\"'; stat; cat $LOG",
    },
    Case {
        fact: "told up while it finishes, it is started afterwards",
        files: &[("run", PATIENT), ("finish", SLOW_FINISH)],
        script: "logged started; s6-svc -d $PLACE; logged finishing; s6-svc -u $PLACE; eventually 'stat | grep -q \"^false true\"'; : >$LOG.end; eventually 'often started 2'; eventually 'stat | grep -q ^true'; stat",
    },
    Case {
        fact: "told down while it finishes, it stays down",
        files: &[("run", ENDS_ONCE), ("finish", SLOW_FINISH)],
        script: "logged finishing; s6-svc -d $PLACE; eventually 'stat | grep -q \"^false false\"'; : >$LOG.end; s6-svwait -D $PLACE; stat; cat $LOG",
    },
    Case {
        fact: "it is ready when it writes a line to the descriptor that the folder names",
        files: &[
            (
                "run",
                "#!/bin/sh\necho started >>$LOG\nwhile [ ! -e $LOG.go ]; do sleep 0.02; done\necho >&3\nexec sleep 1000\n",
            ),
            ("notification-fd", "3\n"),
        ],
        script: "logged started; s6-svwait -u $PLACE; stat; : >$LOG.go; s6-svwait -U $PLACE; stat",
    },
    Case {
        fact: "half a line does not make it ready",
        files: &[
            (
                "run",
                "#!/bin/sh\nprintf half >&5\necho started >>$LOG\nwhile [ ! -e $LOG.go ]; do sleep 0.02; done\necho >&5\nexec sleep 1000\n",
            ),
            ("notification-fd", "5"),
        ],
        script: "logged started; s6-svwait -u $PLACE; stat; : >$LOG.go; s6-svwait -U $PLACE; stat",
    },
    Case {
        fact: "one that closes its descriptor without a word is up and not ready",
        files: &[
            ("run", "#!/bin/sh\nexec 4>&-\necho started >>$LOG\nexec sleep 1000\n"),
            ("notification-fd", "4"),
        ],
        script: "logged started; s6-svwait -u $PLACE; stat",
    },
    Case {
        fact: "a restarted one has to become ready anew",
        files: &[
            (
                "run",
                "#!/bin/sh\necho started >>$LOG\n[ -e $LOG.again ] || echo >&3\n: >$LOG.again\nexec sleep 1000\n",
            ),
            ("notification-fd", "3"),
        ],
        script: "s6-svwait -U $PLACE; s6-svc -r $PLACE; eventually 'often started 2'; eventually 'stat | grep -q ^true'; stat",
    },
    Case {
        fact: "wanted once, it is not started again",
        files: &[("run", "#!/bin/sh\necho started >>$LOG\nexit 4\n"), ("down", "")],
        script: "s6-svc -o $PLACE; logged started; s6-svwait -D $PLACE; eventually 'stat | grep -q \" 4 NA\"'; stat; cat $LOG",
    },
    Case {
        fact: "told at most once while it runs, it is not started again",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svc -O $PLACE; s6-svc -k -wD $PLACE; stat; cat $LOG",
    },
    // Not with `-wr`: s6's tool drops letters that come at once behind the one it waits for (`s6_svlisten_loop`, `gotit`), so that
    // on a busy machine it may wait for ever, beside s6-supervise as beside us.
    Case {
        fact: "restarted, it is another process",
        files: &[("run", PATIENT)],
        script: "logged started; p=$(s6-svstat -p $PLACE); s6-svc -r $PLACE; eventually 'often started 2'; eventually 'stat | grep -q ^true'; [ $p != $(s6-svstat -p $PLACE) ] && echo another; stat",
    },
    Case {
        fact: "told up when it is up, nothing happens",
        files: &[("run", PATIENT)],
        script: "logged started; p=$(s6-svstat -p $PLACE); s6-svc -u $PLACE; s6-svc -h $PLACE; eventually 'often started 2'; eventually 'stat | grep -q ^true'; stat",
    },
    Case {
        fact: "paused and woken",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svc -p $PLACE; eventually 'stat | grep -q \"true NA\\|true -1\"'; stat; s6-svc -c $PLACE; eventually 'stat | grep -vq \"false true\"'; stat",
    },
    Case {
        fact: "a paused one told down is woken to end",
        files: &[("run", PATIENT)],
        script: "logged started; s6-svc -p $PLACE; s6-svc -d -wD $PLACE; stat",
    },
    Case {
        fact: "what it started lives on when it ends",
        files: &[(
            "run",
            "#!/bin/sh\necho started >>$LOG\n[ -e $LOG.again ] && exec sleep 1000\n: >$LOG.again\n(while [ ! -e $LOG.go ]; do sleep 0.02; done; echo survived >>$LOG) &\nexit 0\n",
        )],
        script: "eventually 'often started 2'; : >$LOG.go; logged survived; sort $LOG",
    },
    Case {
        fact: "a restart reaches the process only, not its children",
        files: &[(
            "run",
            "#!/bin/sh\n[ -e $LOG.again ] || { (while [ ! -e $LOG.go ]; do sleep 0.02; done; echo survived >>$LOG) & }\n: >$LOG.again\necho started >>$LOG\nexec sleep 1000\n",
        )],
        script: "logged started; s6-svc -r $PLACE; eventually 'often started 2'; : >$LOG.go; logged survived; sort $LOG",
    },
    Case {
        fact: "its last ends are kept, as many as max-death-tally says, until they are cleared",
        files: &[
            (
                "run",
                "#!/bin/sh\nn=$(grep -c started $LOG)\necho started >>$LOG\n[ $n -ge 3 ] || exit $((n+5))\nexec sleep 1000\n",
            ),
            ("max-death-tally", "2\n"),
        ],
        script: "ends() { s6-svdt $PLACE | cut -d' ' -f2-; }; eventually 'often started 4'; ends; s6-svdt-clear $PLACE; ends; \
                 s6-svc -k $PLACE; eventually 'often started 5'; ends",
    },
    Case {
        fact: "its logger reads what it writes",
        files: &[
            ("run", "#!/bin/sh\necho a line\nexec sleep 1000\n"),
            ("log/run", "#!/bin/sh\nwhile read line; do echo \"log: $line\" >>$LOG; done\n"),
        ],
        script: "logged log:; cat $LOG",
    },
    Case {
        fact: "nothing is lost when its logger is restarted",
        files: &[
            (
                "run",
                "#!/bin/sh\nn=0; while [ $n -lt 300 ]; do echo line $n; n=$((n+1)); done\necho last\nexec sleep 1000\n",
            ),
            (
                "log/run",
                "#!/bin/sh\n[ -e $LOG.again ] || { : >$LOG.again; read line; echo \"log: $line\" >>$LOG; exit 1; }\nwhile read line; do echo \"log: $line\" >>$LOG; done\n",
            ),
        ],
        script: "logged 'log: last'; wc -l <$LOG",
    },
    signal("ALRM is -a", "logged started; s6-svc -a $PLACE; logged got; grep got $LOG"),
    signal("ABRT is -b", "logged started; s6-svc -b $PLACE; logged got; grep got $LOG"),
    signal("QUIT is -q", "logged started; s6-svc -q $PLACE; logged got; grep got $LOG"),
    signal("HUP is -h", "logged started; s6-svc -h $PLACE; logged got; grep got $LOG"),
    signal("TERM is -t", "logged started; s6-svc -t $PLACE; logged got; grep got $LOG; stat"),
    signal("INT is -i", "logged started; s6-svc -i $PLACE; logged got; grep got $LOG"),
    signal("USR1 is -1", "logged started; s6-svc -1 $PLACE; logged got; grep got $LOG"),
    signal("USR2 is -2", "logged started; s6-svc -2 $PLACE; logged got; grep got $LOG"),
    signal("WINCH is -y", "logged started; s6-svc -y $PLACE; logged got; grep got $LOG"),
];
