//! A process of its own for each case, ended by a limit.

use std::future::Future;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::output::Output;

/// How long the pipes of a client that has ended may stay open: somebody whom it started holds them.
const STRAYS: Duration = Duration::from_millis(500);

/// A process that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// How; `None` where the limit ended it.
    pub(super) status: Option<ExitStatus>,
    /// Standard output.
    pub(super) stdout: Output,
    /// Standard error.
    pub(super) stderr: Output,
    /// How long it took.
    pub(super) took: Duration,
}

/// Runs a command to its end, or to the limit, when it is killed together with everything that it started.
///
/// # Errors
///
/// It cannot be started.
pub(super) async fn run(
    mut command: Command,
    stdin: Vec<u8>,
    limit: Duration,
) -> io::Result<Ended> {
    let started = Instant::now();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    // Ends with the group, whatever becomes of this task.
    let group = Group::of(&child);
    let (mut stdout, mut stderr) = (Output::default(), Output::default());
    let mut pipes = Box::pin(pipes(&mut child, stdin, &mut stdout, &mut stderr));
    let mut closed = false;
    let ended = timeout(limit, async {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                () = &mut pipes, if !closed => closed = true,
            }
        }
    })
    .await;
    if ended.is_err() {
        group.kill();
        let _ = child.wait().await;
    }
    if !closed && timeout(STRAYS, &mut pipes).await.is_err() {
        group.kill();
        let _ = timeout(STRAYS, &mut pipes).await;
    }
    drop(pipes);
    let status = ended.ok().transpose()?;
    group.over();
    Ok(Ended {
        status,
        stdout,
        stderr,
        took: started.elapsed(),
    })
}

/// Feeds a client and listens to it, until it has closed all its pipes.
fn pipes<'o>(
    child: &mut Child,
    stdin: Vec<u8>,
    stdout: &'o mut Output,
    stderr: &'o mut Output,
) -> impl Future<Output = ()> + use<'o> {
    let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut input) = input {
            // A client that does not read its input, or ends before it has, is no failure here.
            let _ = input.write_all(&stdin).await;
            let _ = input.shutdown().await;
        }
    };
    let hear = async move {
        if let Some(out) = out {
            let _ = stdout.read(out).await;
        }
    };
    let hear_complaints = async move {
        if let Some(err) = err {
            let _ = stderr.read(err).await;
        }
    };
    async move {
        tokio::join!(feed, hear, hear_complaints);
    }
}

/// The process group of a client: killed when dropped before it is over.
struct Group {
    id: Option<u32>,
}

impl Group {
    fn of(child: &Child) -> Self {
        Self { id: child.id() }
    }

    /// Kills all its processes. Called only while one of them is known to live, so that the number is still theirs.
    fn kill(&self) {
        #[cfg(unix)]
        if let Some(pid) = self
            .id
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // It fails where they are gone already.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }

    fn over(mut self) {
        self.id = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_and_status_are_told() {
        let ended = run(
            shell("cat; echo oh >&2; exit 3"),
            b"in".to_vec(),
            Duration::from_secs(10),
        )
        .await
        .expect("sh starts");
        let none = smtp::Secret::new(*b"");
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert_eq!(ended.stdout.text(&none), "in");
        assert_eq!(ended.stderr.text(&none), "oh\n");
    }

    #[tokio::test]
    async fn the_limit_ends_a_client_and_what_it_started() {
        let started = Instant::now();
        let ended = run(
            shell("echo $$; sleep 60 & sleep 60"),
            Vec::new(),
            Duration::from_millis(300),
        )
        .await
        .expect("sh starts");
        assert!(ended.status.is_none());
        assert!(started.elapsed() < Duration::from_secs(5));
        let text = ended.stdout.text(&smtp::Secret::new(*b""));
        let group: i32 = text.trim().parse().expect("a number");
        let group = rustix::process::Pid::from_raw(group).expect("a pid");
        assert!(gone(group).await, "no process of the group is left");
    }

    #[tokio::test]
    async fn a_child_that_outlives_its_parent_does_not_hold_up_the_run() {
        let started = Instant::now();
        let ended = run(
            shell("sleep 60 & exit 0"),
            Vec::new(),
            Duration::from_secs(30),
        )
        .await
        .expect("sh starts");
        assert_eq!(ended.status.and_then(|status| status.code()), Some(0));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    /// Killed processes are there until their parent, or init, has asked for their status.
    async fn gone(group: rustix::process::Pid) -> bool {
        for _ in 0..100 {
            if rustix::process::test_kill_process_group(group).is_err() || zombies(group) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Whether every process of the group has ended and only waits to be asked.
    fn zombies(group: rustix::process::Pid) -> bool {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return false;
        };
        processes.flatten().all(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            let fields: Vec<&str> = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            match fields.as_slice() {
                [state, _, of, ..] => *of != group.as_raw_nonzero().to_string() || *state == "Z",
                _ => true,
            }
        })
    }
}
