//! Waiting for a condition.

use std::time::{Duration, Instant};

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks until the answer is `Some`, at most for `timeout`: at first at short intervals, later once a second. The question is
/// asked at least once. Similar to `utils_misc.wait_for()` in Avocado-VT.
///
/// # Errors
/// What a question itself failed with. That the time is over is `Ok(None)`.
pub fn wait_for<T, E>(
    timeout: Duration,
    mut question: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_millis(20);
    loop {
        if let Some(answer) = question()? {
            return Ok(Some(answer));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_answer_the_error_or_the_time() {
        let mut asked = 0;
        let third = wait_for(Duration::from_secs(60), || {
            asked += 1;
            Ok::<_, ()>((asked == 3).then_some(asked))
        });
        assert_eq!(third, Ok(Some(3)));
        let failed = wait_for(Duration::from_secs(60), || Err::<Option<()>, _>("no"));
        assert_eq!(failed, Err("no"));
        let mut asked = 0;
        let never = wait_for(Duration::ZERO, || {
            asked += 1;
            Ok::<Option<()>, ()>(None)
        });
        assert_eq!((never, asked), (Ok(None), 1));
    }
}
