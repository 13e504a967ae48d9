use super::*;
use proptest::prelude::*;

const NONCE: Nonce = *b"twelve bytes";

fn key(bytes: usize) -> Key {
    Key::from_bytes(&vec![7; bytes]).unwrap()
}

fn sealed(key: &Key, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut message = plain.to_vec();
    seal(key, &NONCE, aad, b"", &mut message);
    message
}

/// What a speaker of memberlist's protocol 1 would write.
fn sealed_with_padding(key: &Key, padded: &[u8]) -> Vec<u8> {
    let mut body = sealed(key, b"", padded);
    body[0] = PADDED;
    body
}

fn opened(keys: &Keyring, aad: &[u8], body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut buffer = [b"header", body].concat();
    open(keys, aad, &mut buffer, 6).map(|()| buffer)
}

fn key_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(&[16_usize, 24, 32][..])
        .prop_flat_map(|bytes| prop::collection::vec(any::<u8>(), bytes))
}

proptest! {
    #[test]
    fn what_is_sealed_with_any_key_is_opened_with_it(
        secret in key_bytes(),
        nonce in any::<Nonce>(),
        aad in prop::collection::vec(any::<u8>(), 0..300),
        plain in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let key = Key::from_bytes(&secret).unwrap();
        let mut sealed = plain.clone();
        seal(&key, &nonce, &aad, b"before", &mut sealed);
        prop_assert_eq!(&sealed[..6], b"before");
        let body = sealed.split_off(6);
        prop_assert_eq!(body.len(), plain.len() + OVERHEAD);
        prop_assert_eq!(opened(&Keyring::new(key), &aad, &body), Ok(plain));
    }

    #[test]
    fn padding_of_version_0_is_taken_off(secret in key_bytes(), plain in prop::collection::vec(any::<u8>(), 0..100)) {
        let key = Key::from_bytes(&secret).unwrap();
        let missing = 16 - plain.len() % 16;
        let padded = [&plain[..], &vec![u8::try_from(missing).unwrap(); missing]].concat();
        let body = sealed_with_padding(&key, &padded);
        prop_assert_eq!(opened(&Keyring::new(key), b"", &body), Ok(plain));
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed(
        plain in prop::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let key = key(16);
        let body = sealed(&key, b"aad", &plain);
        let mut changed = body.clone();
        // Not the version byte, which is bound to nothing.
        changed[1 + at.index(body.len() - 1)] ^= 1_u8 << bit;
        prop_assert_eq!(
            opened(&Keyring::new(key), b"aad", &changed),
            Err(DecodeError::Encryption("no key that is installed here opens it"))
        );
    }

    #[test]
    fn arbitrary_bytes_open_nothing(version in 0..3_u8, rest in prop::collection::vec(any::<u8>(), 0..100)) {
        let body = [&[version][..], &rest].concat();
        prop_assert!(opened(&Keyring::new(key(16)), b"", &body).is_err());
    }
}

#[test]
fn the_shortest_body_holds_nothing_and_shorter_ones_are_none() {
    let (key, keys) = (key(24), Keyring::new(key(24)));
    let body = sealed(&key, b"", b"");
    assert_eq!(body.len(), OVERHEAD);
    assert_eq!(opened(&keys, b"", &body), Ok(vec![]));
    for length in 0..body.len() {
        assert_eq!(opened(&keys, b"", &body[..length]), Err(DecodeError::Truncated));
    }
    assert_eq!(
        opened(&keys, b"", &sealed_with_padding(&key, b"")),
        Err(DecodeError::Encryption("no whole blocks"))
    );
}

#[test]
fn wrong_padding_is_refused_though_the_key_is_right() {
    let (key, keys) = (key(32), Keyring::new(key(32)));
    let block = |end: &[u8]| [&vec![b'x'; 32 - end.len()], end].concat();
    for wrong in [&[0][..], &[1, 2], &[17; 17], &[3, 2, 3], &[33], &[255]] {
        let body = sealed_with_padding(&key, &block(wrong));
        assert_eq!(opened(&keys, b"", &body), Err(DecodeError::Encryption("wrong padding")), "{wrong:?}");
    }
    assert_eq!(opened(&keys, b"", &sealed_with_padding(&key, &block(&[16; 16]))), Ok(vec![b'x'; 16]));
}

#[test]
fn every_key_of_the_ring_opens_and_no_other_does() {
    let keys = [1, 2, 3, 4].map(|byte| Key::from_bytes(&[byte; 16]).unwrap());
    let ring = Keyring::of(keys[..3].iter().cloned()).unwrap();
    let bodies = keys.each_ref().map(|key| sealed(key, b"", b"hello"));
    assert_eq!(bodies.map(|body| opened(&ring, b"", &body).is_ok()), [true, true, true, false]);
}

#[test]
fn a_body_is_bound_to_what_stands_around_it() {
    let body = sealed(&key(16), b"one", b"hello");
    let keys = Keyring::new(key(16));
    assert!(opened(&keys, b"one", &body).is_ok());
    assert!(opened(&keys, b"two", &body).is_err());
}

#[test]
fn keys_have_three_lengths_and_are_written_in_base64() {
    for bytes in 0..64 {
        let made = Key::from_bytes(&vec![1; bytes]);
        match bytes {
            16 | 24 | 32 => assert_eq!(made.unwrap().as_bytes().len(), bytes),
            _ => assert_eq!(made.unwrap_err(), KeyError::Size { bytes }),
        }
    }
    let text = "cg8StVXbQJ0gPvMd9o7yrg==";
    let key = Key::from_base64(&format!(" {text}\n")).unwrap();
    assert_eq!(key.as_bytes().len(), 16);
    assert_eq!(*key.to_base64(), text);
    for wrong in [
        "",
        "cg8StVXbQJ0gPvMd9o7yrg",
        "cg8StVXbQJ0gPvMd9o7yrg=",
        "cg8S tVXbQJ0gPvMd9o7yrg==",
        "not base64!",
        "é",
    ] {
        assert!(Key::from_base64(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(Key::from_base64("c2hvcnQ=").unwrap_err(), KeyError::Size { bytes: 5 });
}

#[test]
fn a_key_that_is_logged_says_nothing_of_its_secret() {
    let ring = Keyring::new(Key::from_bytes(b"sixteen byte key").unwrap());
    assert_eq!(format!("{ring:?}"), "Keyring([Key(128 bits)])");
}
