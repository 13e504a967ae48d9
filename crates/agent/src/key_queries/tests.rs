use super::*;
use crate::KeySource;
use crate::gossip::testing::{Told, fake};
use muster_wire::{Border, Label};
use std::path::Path;

const A: [u8; 16] = [1; 16];
const B: [u8; 16] = [2; 16];

fn sealer(keys: &[[u8; 16]]) -> Arc<Sealer> {
    let ring = Keyring::of(keys.iter().map(|bytes| Key::from_bytes(bytes).unwrap()));
    Arc::new(Sealer::new(Border::new(Label::default(), ring)))
}

/// A keeper of one key, with or without a file.
fn keeper(file: Option<&Path>) -> (KeyKeeper, Arc<Sealer>) {
    let sealer = sealer(&[A]);
    let file = file.map(|path| KeyringFile(path.to_owned()));
    (KeyKeeper::new(Arc::clone(&sealer), file, fake(|_| Ok(())).0), sealer)
}

fn order(ring: &Keyring) -> Vec<u8> {
    ring.iter().map(|key| key.as_bytes()[0]).collect()
}

/// Keys in use, and in the file.
fn both(sealer: &Sealer, path: &Path) -> (Vec<u8>, Vec<u8>) {
    let stored = KeySource::Keyring(path.to_owned()).load().unwrap().ring;
    (order(&sealer.keys().unwrap()), order(&stored))
}

#[tokio::test]
async fn a_key_is_exchanged_step_by_step_and_the_file_follows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let (keeper, sealer) = keeper(Some(&path));
    for (operation, wanted) in [
        (KeyOperation::Install(B.into()), &[1, 2][..]),
        (KeyOperation::Use(B.into()), &[2, 1]),
        (KeyOperation::Remove(A.into()), &[2]),
        // Done already is done.
        (KeyOperation::Remove(A.into()), &[2]),
        (KeyOperation::Install(B.into()), &[2]),
        (KeyOperation::Use(B.into()), &[2]),
    ] {
        let answer = keeper.answer(&operation).await;
        assert_eq!(answer, KeyAnswer { done: true, ..KeyAnswer::default() }, "{operation:?}");
        assert_eq!(both(&sealer, &path), (wanted.to_vec(), wanted.to_vec()), "{operation:?}");
    }
    let listed = keeper.answer(&KeyOperation::List).await;
    assert_eq!(
        (listed.keys, &*listed.primary_key),
        (vec![listed.primary_key.clone()], "AgICAgICAgICAgICAgICAg==")
    );
}

#[tokio::test]
async fn what_serf_refuses_is_refused_in_its_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let (keeper, sealer) = keeper(Some(&path));
    for (operation, words) in [
        (KeyOperation::Install(vec![1; 17]), "key size must be 16, 24 or 32 bytes"),
        (KeyOperation::Use(B.into()), "Requested key is not in the keyring"),
        (KeyOperation::Remove(A.into()), "Removing the primary key is not allowed"),
    ] {
        assert_eq!(keeper.answer(&operation).await, refused(words));
    }
    assert_eq!(order(&sealer.keys().unwrap()), [1]);
    assert!(!path.exists(), "nothing changed, so nothing was stored");

    let plain = KeyKeeper::new(sealer_without_keys(), None, fake(|_| Ok(())).0);
    for (operation, words) in [
        (KeyOperation::List, "Keyring is empty (encryption not enabled)"),
        (KeyOperation::Remove(A.into()), "No keyring to modify (encryption not enabled)"),
    ] {
        assert_eq!(plain.answer(&operation).await, refused(words));
    }
}

fn sealer_without_keys() -> Arc<Sealer> {
    sealer(&[])
}

#[tokio::test]
async fn a_ring_that_cannot_be_stored_is_not_used() {
    let (keeper, sealer) = keeper(Some(Path::new("/proc/keyring")));
    let answer = keeper.answer(&KeyOperation::Install(B.into())).await;
    assert!(
        !answer.done && answer.message.starts_with("Failed to write keyring file: /proc/keyring: "),
        "{answer:?}"
    );
    assert_eq!(order(&sealer.keys().unwrap()), [1]);
}

#[tokio::test]
async fn a_ring_does_not_grow_without_end() {
    let (keeper, sealer) = keeper(None);
    for byte in 0..=255 {
        keeper.answer(&KeyOperation::Install([byte; 16].into())).await;
    }
    assert_eq!(sealer.keys().unwrap().iter().count(), KEYS_MAX);
    let full = keeper.answer(&KeyOperation::Install([255; 16].into())).await;
    assert_eq!(full.message, "there are 64 keys already; remove one first");
    // One that is there stays.
    assert!(keeper.answer(&KeyOperation::Install(A.into())).await.done);
}

#[tokio::test]
async fn who_asked_is_answered() {
    let (gossip, mut told) = fake(|_| Ok(()));
    let (queries, receiver) = mpsc::channel(QUERIES_WAITING_MAX);
    let id = QueryId { ltime: 3, id: 9 };
    let query = KeyQuery { id, operation: KeyOperation::Install(B.into()), from: "a".to_owned() };
    queries.send(query).await.unwrap();
    drop(queries);
    KeyKeeper::new(sealer(&[A]), None, gossip).keep(receiver).await;
    assert_eq!(
        told.recv().await,
        Some(Told::RespondKeys(id, KeyAnswer { done: true, ..KeyAnswer::default() }))
    );
}
