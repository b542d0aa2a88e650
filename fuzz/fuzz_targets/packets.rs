//! The packet road: the bytes of a capture file, through frames, IP and TCP, to timelines and verdicts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp::session::{Options, Reader};
use smtp::timeline::{Keep, Timeline};
use smtp::tls::KeyLog;
use wire::pipeline::{Settings, Worker, run};
use wire::source::{Origin, Sources};
use wire::{Bounds, Ended};

struct Timelines;

impl Worker for Timelines {
    type Consumer = Reader;
    type Product = Timeline;

    fn secrets(&mut self, _: &str) {}

    fn open(&mut self) -> Reader {
        Reader::new(Options {
            keep: Keep::LEAN,
            only_mail: true,
            keys: Some(std::sync::Arc::new(KeyLog::new())),
        })
    }

    fn close(&mut self, ended: Ended<Reader>) -> Option<Timeline> {
        Some(ended.consumer.finish(&ended.about))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let origin = Origin::Stream {
        name: "fuzz".into(),
        reader: Box::new(std::io::Cursor::new(bytes.to_vec())),
    };
    let settings = Settings {
        lanes: 1,
        // Small enough to be reached.
        bounds: Bounds {
            connection: 1 << 16,
            all: 1 << 17,
            ..Bounds::default()
        },
        ..Settings::default()
    };
    let mut timelines = Vec::new();
    run(Sources::new(vec![origin]), &settings, || Timelines, |timeline| timelines.push(timeline));
    let profile = &claims::Profile::all()[0];
    for timeline in timelines {
        let case = claims::Case::new(vec![timeline], claims::Given::default());
        claims::judge(&case, profile);
    }
});
