//! Batches prepared on a thread of their own, ahead of who uses them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use crate::Error;
use crate::guard::message_of_panic;

/// What [`prefetch`] prepares, in the order of the requests.
///
/// Dropping it stops the thread after the item in preparation, and waits for that.
#[derive(Debug)]
pub struct Prefetch<B, E = Error> {
    prepared: Option<Receiver<Result<B, E>>>,
    thread: Option<JoinHandle<()>>,
}

/// Prepares an item for every request on a thread, at most `depth` items ahead of their use.
///
/// The first error is the last item. If preparing panics, that item is
/// [`Error::Preparation`]; nobody waits forever.
///
/// ```
/// use kith_data::{Error, prefetch};
///
/// let squares = prefetch(1..4, 2, |n| Ok::<_, Error>(n * n));
/// assert_eq!(squares.collect::<Result<Vec<_>, _>>().unwrap(), [1, 4, 9]);
/// ```
pub fn prefetch<R, B, E>(
    requests: impl Iterator<Item = R> + Send + 'static,
    depth: usize,
    mut prepare: impl FnMut(R) -> Result<B, E> + Send + 'static,
) -> Prefetch<B, E>
where
    B: Send + 'static,
    E: Send + 'static,
{
    let (sender, prepared) = sync_channel(depth);
    let thread = thread::spawn(move || {
        for request in requests {
            let item = prepare(request);
            let last = item.is_err();
            if sender.send(item).is_err() || last {
                return;
            }
        }
    });
    Prefetch { prepared: Some(prepared), thread: Some(thread) }
}

impl<B, E: From<Error>> Iterator for Prefetch<B, E> {
    type Item = Result<B, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(item) = self.prepared.as_ref()?.recv() {
            return Some(item);
        }
        self.prepared = None;
        let panic = self.thread.take()?.join().err()?;
        Some(Err(Error::Preparation { message: message_of_panic(panic) }.into()))
    }
}

impl<B, E> Drop for Prefetch<B, E> {
    fn drop(&mut self) {
        // A thread that waits for room in the channel is woken by the receiver's end.
        self.prepared = None;
        if let Some(thread) = self.thread.take() {
            // A panic that nobody asked for any more concerns nobody.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn items_come_in_the_order_of_their_requests() {
        let items: Vec<u32> =
            prefetch(0..100, 3, |n| Ok::<_, Error>(n + 1)).map(Result::unwrap).collect();
        assert_eq!(items, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn dropping_stops_an_endless_thread() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let mut items = prefetch(0.., 2, move |n: u64| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(n)
        });
        assert_eq!(items.next().unwrap().unwrap(), 0);
        drop(items);
        // One taken, two waiting, one in the thread's hand.
        assert!(made.load(Ordering::SeqCst) <= 4, "the thread ran on");
        assert_eq!(Arc::strong_count(&made), 1, "the thread still lives");
    }

    #[test]
    fn a_panic_is_an_error_and_then_the_end() {
        let mut items = prefetch(0..3, 1, |n: u32| {
            assert!(n < 1, "request {n} is cursed");
            Ok::<_, Error>(n)
        });
        assert_eq!(items.next().unwrap().unwrap(), 0);
        let error = items.next().unwrap().expect_err("the thread panicked");
        assert_eq!(error.code(), "PREPARATION");
        assert!(error.to_string().contains("request 1 is cursed"), "{error}");
        assert!(items.next().is_none());
    }

    #[test]
    fn an_error_is_the_last_item() {
        let fail = |_: u32| Err::<u32, _>(Error::UnknownSource { got: "x".to_owned() });
        let codes: Vec<_> = prefetch(0..9, 1, fail).map(|item| item.unwrap_err().code()).collect();
        assert_eq!(codes, ["UNKNOWN_SOURCE"]);
    }
}
