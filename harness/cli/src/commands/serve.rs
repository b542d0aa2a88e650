//! `smtpspec serve`: the server that a deployment is pointed at.

mod accounts;
mod aside;
mod evidence;
mod host;
mod listen;
mod live;
mod open_files;
mod privileges;
mod relay;
mod setup;
mod signals;
mod trust;
mod web;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use claims::Given;
use claims::result::Outcome;
use lab::server::{Backlog, Options, ServerReport, Sockets};
use smtp::tls::KeyLog;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use wire::Bounds;
use wire::pipeline::{Settings, Summary};
use wire::source::Sources;

use self::evidence::Evidence;
use self::host::Host;
use self::live::{Both, Show};
use self::relay::Relay;
use self::setup::{Kept, Setup};
use self::signals::Hangups;
use self::web::Watched;
use super::baseline::Baseline;
use super::reports::Reports;
use super::{bundle, output, processors, profile, stated};
use crate::args::{Cli, ServeArgs};
use crate::audit::follow::{Files, Writing};
use crate::audit::{self, Gathered, Gatherer, Plan};
use crate::road::{self, Scope};
use crate::{Exit, Failure};

/// How much is held of the connections that are open, at the most, in each lane. The server's own limits end a
/// connection long before it has been silent for a day.
pub(super) const BOUNDS: Bounds = Bounds {
    connection: 64 << 20,
    all: 512 << 20,
    idle: Duration::from_hours(24),
};

/// How long the one thread that serves looks out for what a client sends next, before it sleeps.
const AWAKE: Duration = Duration::from_micros(100);

/// How many packets may wait for their verdicts before clients are made to wait too: a second or two of judging, and at
/// the most 1.5 GB of captures that cannot be removed yet.
const MOST_WAITING: u64 = 1_000_000;

/// How many connections that limits ended are named one by one.
const MOST_LIMITS: usize = 100;

pub(super) fn run(cli: &Cli, args: &ServeArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let reports = Reports::one_or_several(&args.judging.reporting.format, &args.out)?;
    let baseline = Baseline::read(args.judging.baseline.as_deref(), "serve", None)?;
    let mut options = setup::read(args)?;
    let (sockets, address) = listen::sockets(&args.listen, options.server.window)?;
    if let Some(user) = &args.listen.user {
        privileges::drop_to(user)?;
    }
    output::folder(&args.out)?;
    let (evidence, follow, writing) = Evidence::begin(args, &address)?;
    let capture = evidence.first.clone();
    options.recorder = Some(evidence.recorder.clone());
    options.custody = Some(evidence.store.clone());
    let relay = Relay::begin(args, &evidence, &mut options)?;
    open_files::allow(relay.files(options.terms.places));
    let show = Show::prepare(
        (cli, args),
        &reports,
        &evidence,
        (&mut options, &relay),
        profile,
    )?;

    let document = bundle::document(&args.bundle)?;
    let document = document.as_deref();
    let plan = Plan {
        profile,
        given: Arc::new(Given::default()),
        keys: Arc::new(KeyLog::new()),
        lanes: processors(),
        detail: show.detail(reports.detail(document.is_some())),
        scope: Scope::Lab,
        bounds: BOUNDS,
    };
    let served = Served {
        address,
        files: follow.files(),
    };
    let mut host = host(&mut options)?;
    let settings = Settings {
        begin: Some(aside::step_aside),
        spare: options.spare.clone(),
        ..Settings::default()
    };
    evidence.tend(host.runtime(), Arc::clone(&settings.progress));
    let progress = Arc::clone(&settings.progress);
    options.backlog = Some(Backlog::new(&evidence.recorder, progress, MOST_WAITING));
    let running = start(
        cli,
        args,
        host.runtime(),
        (sockets, &served.address),
        (options, relay),
        (evidence, writing),
        &show.watched,
    )?;
    let live = show.start((cli, args), &served.files, profile)?;
    let mut sink = reports
        .streams(&Arc::new(AtomicBool::new(false)), document)?
        .with_sample();
    let mut empty = road::empty("serve", profile);
    stated::state(&mut empty, args.judging.reporting.coverage.as_deref())?;
    let mut both = Both(&mut sink, &live);
    let mut gatherer = Gatherer::new(super::index::CASE, empty, profile, &mut both);
    let sources = Sources::new(vec![follow.into_origin(capture.clone())]);
    let summary = audit::audit(&plan, sources, settings, &mut gatherer);
    let found = gatherer.finish();
    live.end();
    let (report, written) = host
        .runtime()
        .block_on(running)
        .map_err(|error| Failure::input(format!("the server broke down: {error}")))?;
    host.let_go();
    if found.count == 0 {
        return Err(Failure::input("nobody connected; nothing was judged"));
    }
    let mut limits = limits(&report);
    let broken = written.err();
    limits.extend(
        broken
            .iter()
            .map(|error| format!("the captures are not whole: {error}")),
    );
    for line in &limits {
        output::say(line);
    }
    let mut outcome = served.outcome(found, summary, limits, &plan)?;
    baseline.compare(cli, &mut outcome);
    let saved = output::save(&evidence::beside(&capture, "json"), &outcome);
    sink.finish(&outcome)?;
    reports.write(cli, &outcome, true)?;
    // What the folder does not take is shown all the same.
    saved?;
    bundle::make(cli, &args.bundle, (&outcome, profile), &reports, document)?;
    Ok(if broken.is_some() {
        Exit::Trouble
    } else {
        Exit::of(&outcome)
    })
}

/// The connections that limits ended, a line each.
fn limits(report: &ServerReport) -> Vec<String> {
    let listed = report.ended.len().min(MOST_LIMITS);
    let more = report.ended.len() - listed + usize::try_from(report.more_ended).unwrap_or(0);
    let lines = report.ended.iter().take(listed).map(ToString::to_string);
    let more = (more > 0).then(|| format!("{more} more connections were ended by a limit"));
    lines.chain(more).collect()
}

/// Half of the processors serve. The senders, or the network that brings them, need the others, and verdicts get what is
/// left of all: more threads that serve would take the place of those that they wait for.
fn host(options: &mut Options) -> Result<Host, Failure> {
    let threads = processors().div_ceil(2);
    // Of several threads, one would look out while another is woken; on one processor, in the place of the client.
    if threads == 1 && processors() > 1 {
        options.awake = AWAKE;
    }
    Host::begin(threads).map_err(|error| Failure::input(format!("cannot start: {error}")))
}

/// What was served, and where it stands.
struct Served {
    address: String,
    files: Files,
}

impl Served {
    fn outcome(
        &self,
        gathered: Gathered,
        mut summary: Summary,
        limits: Vec<String>,
        plan: &Plan,
    ) -> Result<Outcome, Failure> {
        let mut file = summary.files.pop().expect("one file was named");
        if let Some(error) = file.error.take() {
            return Err(Failure::input(error.to_string()));
        }
        let mut capture = road::capture_file(&file, &summary.notes);
        capture.notes.extend(limits);
        let captures = evidence::captures(capture, &self.files.all());
        let title = format!("served on {}", self.address);
        Ok(gathered.into_outcome(Some(title), captures, plan.profile))
    }
}

/// What a server leaves behind: its report, and how many frames were written.
type End = (ServerReport, io::Result<u64>);

/// Serves in the background. The capture has its end once `writing` is dropped.
fn start(
    cli: &Cli,
    args: &ServeArgs,
    runtime: &Runtime,
    (sockets, addresses): (Sockets, &str),
    (options, relay): (Options, Relay),
    (evidence, writing): (Evidence, Writing),
    watched: &Watched,
) -> Result<JoinHandle<End>, Failure> {
    let cannot = |error: io::Error| Failure::input(format!("cannot serve on {addresses}: {error}"));
    let _inside = runtime.enter();
    // From here on SIGHUP ends the program no more.
    let hangups = Hangups::new().map_err(cannot)?;
    let kept = Kept::of(&options);
    let own_certificate = options.certificate.is_some();
    let server = relay.serve(sockets, options).map_err(cannot)?;
    let setup = server.reload();
    let setup = setup.map(|reload| Setup::new(args, kept, reload));
    output::hint(
        cli,
        &format!("listening on {addresses}; Ctrl-C ends and judges"),
    );
    watched.listens(addresses.to_owned(), server.watch());
    if let Some(pem) = server.ca_pem().filter(|_| !own_certificate) {
        leave_authority(cli, &evidence.first, pem)?;
    }
    runtime.spawn(hangups.serve(setup));
    Ok(runtime.spawn(async move {
        let report = server.run(signals::interrupted()).await;
        let written = evidence.recorder.finish();
        drop(writing);
        (report, written)
    }))
}

/// Leaves the certificate that clients are to trust beside the capture.
fn leave_authority(cli: &Cli, capture: &Path, pem: &str) -> Result<(), Failure> {
    let path = evidence::beside(capture, "ca.pem");
    fs::write(&path, pem)
        .map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))?;
    let path = path.display();
    output::hint(
        cli,
        &format!("a client that checks certificates is to trust {path}"),
    );
    Ok(())
}
