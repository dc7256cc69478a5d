//! The expect engine over a pipe.

use tokio::io::{AsyncWriteExt, DuplexStream};

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn pair(capacity: usize) -> (Expect, DuplexStream) {
    let (near, far) = tokio::io::duplex(1 << 20);
    (
        Expect::with_capacity(Transport::from_stream(near), None, capacity),
        far,
    )
}

#[tokio::test]
async fn the_first_pattern_of_the_list_wins_and_the_rest_stays() {
    let (mut expect, mut guest) = pair(1000);
    guest.write_all(b"one two three four").await.unwrap();
    let patterns = [
        Pattern::literal("three").unwrap(),
        Pattern::literal("two").unwrap(),
    ];
    let found = expect.read_until(&patterns, SOON).await.unwrap();
    let expected = Match {
        index: 0,
        before: "one two ".into(),
        matched: "three".into(),
        dropped: 0,
    };
    assert_eq!(found, expected);
    assert_eq!(expect.drain(), " four");
}

#[tokio::test]
async fn what_did_not_match_can_match_later() {
    let (mut expect, mut guest) = pair(1000);
    guest.write_all(b"some out").await.unwrap();
    let never = [Pattern::literal("never").unwrap()];
    let error = expect
        .read_until(&never, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no match for never within 50ms; last output: some out"
    );
    guest.write_all(b"put").await.unwrap();
    let found = expect
        .read_until(&[Pattern::literal("output").unwrap()], SOON)
        .await
        .unwrap();
    assert_eq!(found.before, "some ");
}

#[tokio::test]
async fn a_long_match_in_pieces_is_found() {
    let (mut expect, mut guest) = pair(1 << 20);
    let pattern = [Pattern::new("<x+>").unwrap()];
    let write = async {
        guest.write_all(&vec![b'.'; 200_000]).await.unwrap();
        guest.write_all(b"<").await.unwrap();
        for _ in 0..50 {
            guest.write_all(&[b'x'; 1000]).await.unwrap();
            tokio::task::yield_now().await;
        }
        guest.write_all(b">").await.unwrap();
    };
    let (found, ()) = tokio::join!(expect.read_until(&pattern, SOON), write);
    let found = found.unwrap();
    assert_eq!((found.before.len(), found.matched.len()), (200_000, 50_002));
}

#[tokio::test]
async fn the_end_of_the_stream_comes_after_its_data() {
    let (mut expect, mut guest) = pair(1000);
    guest.write_all(b"last words").await.unwrap();
    drop(guest);
    let found = expect
        .read_until(&[Pattern::literal("last").unwrap()], SOON)
        .await
        .unwrap();
    assert_eq!(found.matched, "last");
    let error = expect
        .read_until(&[Pattern::literal("more").unwrap()], SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Gone { output, .. } if output == " words"),
        "{error}"
    );
    assert!(matches!(expect.send(b"x").await, Err(Error::Gone { .. })));
    assert!(expect.has_ended());
}

#[tokio::test]
async fn a_flood_keeps_its_end_and_says_so() {
    let (mut expect, mut guest) = pair(1000);
    guest.write_all(&vec![b'.'; 100_000]).await.unwrap();
    guest.write_all(b"end").await.unwrap();
    let found = expect
        .read_until(&[Pattern::literal("end").unwrap()], SOON)
        .await
        .unwrap();
    assert_eq!(found.before.len() as u64 + found.dropped, 100_000);
    assert!(found.before.len() < 1200);
}

#[tokio::test]
async fn quiet_ends_a_read() {
    let (mut expect, mut guest) = pair(1000);
    guest.write_all(b"a").await.unwrap();
    assert_eq!(
        expect
            .read_until_quiet(Duration::from_millis(50), SOON)
            .await,
        "a"
    );
    assert_eq!(
        expect
            .read_until_quiet(Duration::from_millis(1), SOON)
            .await,
        ""
    );
}
