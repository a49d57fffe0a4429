//! Keeps what is measured on one processor, on systems that can be told so.
//! Which measures want that is not known here.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// This thread, and the processes that it starts, stay on one processor until this is dropped; those processes also after.
pub(super) struct OneProcessor {
    #[cfg(target_os = "linux")]
    before: Option<CpuSet>,
}

impl OneProcessor {
    #[cfg(target_os = "linux")]
    pub(super) fn keep() -> Self {
        let before = sched_getaffinity(None).ok();
        let last = before
            .as_ref()
            .and_then(|all| (0..CpuSet::MAX_CPU).rev().find(|processor| all.is_set(*processor)));
        let kept = last.is_some_and(|processor| {
            let mut one = CpuSet::new();
            one.set(processor);
            sched_setaffinity(None, &one).is_ok()
        });
        Self { before: before.filter(|_| kept) }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn keep() -> Self {
        Self {}
    }
}

#[cfg(target_os = "linux")]
impl Drop for OneProcessor {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It was so before.
            let _ = sched_setaffinity(None, before);
        }
    }
}
