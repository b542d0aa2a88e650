//! Judging steps aside for serving.

/// From now on this thread works only where no other thread wants the processor (`SCHED_IDLE`, sched(7)).
///
/// What judges shares the processors with what serves, and often with the senders. Whoever waits for a reply is served
/// first; the verdict on it comes in the gaps, and what does not fit into them waits in the capture, not in memory.
pub(super) fn step_aside() {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy,
            set_thread_priority_and_policy, thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(Idle);
        // Where the system does not allow it, judging takes its turns like everything else.
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy,
    };

    use super::*;

    #[test]
    fn one_thread_steps_aside_and_no_other() {
        let policy = || thread_schedule_policy().expect("a policy");
        let aside = thread::spawn(move || {
            step_aside();
            policy()
        });
        let normal = ThreadSchedulePolicy::Normal;
        assert_eq!(
            aside.join().expect("no panic"),
            normal(NormalThreadSchedulePolicy::Idle)
        );
        assert_eq!(policy(), normal(NormalThreadSchedulePolicy::Other));
    }
}
