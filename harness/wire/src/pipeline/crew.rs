//! Several threads, one for each lane. Whoever comes by while there is little to do reads on, if nobody else does: so all
//! processors are busy, and bytes are mostly looked into by the processor that read them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::board::{Alarm, Board, Task};
use super::desk::{Desk, Group};
use super::lane::{Lane, Made};
use super::producer::Producer;
use super::{Settings, Summary, Worker};

/// How many groups of answers may wait for the caller.
const MOST_GROUPS: usize = 2;

/// Reads everything; `pass_on` gets what the lanes made, round by round.
pub(super) fn run<W: Worker + 'static>(
    producer: Producer,
    lanes: Vec<Lane<W>>,
    settings: &Settings,
    pass_on: &mut impl FnMut(Made<W::Product>),
) -> Summary
where
    W::Product: 'static,
{
    let (desks, outputs): (Vec<_>, Vec<_>) = lanes
        .into_iter()
        .map(|lane| {
            let (answers, output) = sync_channel(MOST_GROUPS);
            (Desk::new(lane, answers), output)
        })
        .unzip();
    let board = Arc::new(Board::new(producer, desks));
    let _offer = settings.spare.offer(Arc::clone(&board) as _);
    std::thread::scope(|scope| {
        for lane in 0..outputs.len() {
            let (board, begin) = (&*board, settings.begin);
            scope.spawn(move || {
                if let Some(begin) = begin {
                    begin();
                }
                staff(board, lane);
            });
        }
        gather(outputs, pass_on);
    });
    board
        .take_producer()
        .map(Producer::finish)
        .unwrap_or_default()
}

/// The work of one thread.
pub(super) fn staff<W: Worker>(board: &Board<W>, lane: usize) {
    let _alarm = Alarm(board);
    loop {
        match board.next(lane) {
            Task::Read(producer) => board.read(producer),
            // The caller is gone only if it panicked.
            Task::Work if !board.work(lane) => return,
            Task::Work => {}
            Task::Leave => return board.close(lane),
        }
    }
}

/// Every lane answers every round; the answers to each are put together, so that they can be put in order round by round.
fn gather<P>(outputs: Vec<Receiver<Group<P>>>, pass_on: &mut impl FnMut(Made<P>)) {
    let with_answers = |output| (output, VecDeque::new());
    let mut lanes: Vec<_> = outputs.into_iter().map(with_answers).collect();
    loop {
        let mut round = Made::default();
        for (output, answers) in &mut lanes {
            while answers.is_empty() {
                // Every lane is over, or one has panicked. Nobody takes answers any more, and the others leave.
                let Ok(group) = output.recv() else { return };
                answers.extend(group);
            }
            round.join(answers.pop_front().unwrap_or_default());
        }
        round.sort();
        pass_on(round);
    }
}
